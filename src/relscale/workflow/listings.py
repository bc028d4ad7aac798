"""Local files that results are made from, and the names of their listings: other files, other name.

The files are looked at once per plan. `relscale.text.local_files` defines a listing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relscale.config.released import ReleasedModelRow
from relscale.released.models_table import model_files
from relscale.text.local_files import LocalFile, listing_of, local_files
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.layout import SHARED, Layout


@dataclass(frozen=True, kw_only=True, eq=False)
class Listings:
    """The listings of one experiment's local sources, components, tokenizer and losses table."""

    experiment: PlannedExperiment
    layout: Layout
    _names: dict[str, str] = field(default_factory=dict)
    _files: dict[tuple[str, str], Sequence[LocalFile]] = field(default_factory=dict)

    def check(self) -> None:
        """Check the paths of inputs that the configuration or a table names.

        Raises:
            ValueError: listing those with braces, in which Snakemake would replace words.
        """
        settings = self.experiment.settings
        paths = {
            "laws.two_stage.outside_models": [settings.laws.two_stage.outside_models or ""],
            "figures.covariates": [settings.figures.covariates],
            "released model": [row.model for row in self.experiment.released],
        }
        if settings.losses is not None:
            paths["losses.path"] = [settings.losses.path]
        if settings.released is not None:
            paths["released.folder"] = [settings.released.folder or ""]
        wrong = [
            f"{key} {path!r}: must not contain braces; Snakemake reads a word in braces as the "
            "name of a wildcard"
            for key, names in paths.items()
            for path in dict.fromkeys(names)
            if "{" in path or "}" in path
        ]
        if wrong:
            raise ValueError("; ".join(wrong))

    def of_source(self, key: str) -> str:
        """Return the name of the listing of a local source, "" for other sources."""
        source = self.experiment.settings.sources[self.layout.source_of_key[key]]
        if source.kind != "local":
            return ""
        if key not in self._names:
            path, manifest = Path(source.path), Path(f"{SHARED}/sources/{key}/manifest.json")
            self._names[key] = listing_of(local_files(path), path, manifest)
        return self._names[key]

    def of_component(self, key: str) -> str:
        """Return the name of the listing of a component's local files, "" for a Hub dataset."""
        corpus, component = self.layout.component_of_key[key]
        settings = self.experiment.sharded[corpus].components[component]
        source = self.experiment.settings.sources[settings.source]
        if source.kind != "local":
            return ""
        if key not in self._names:
            plan = Path(f"{self.layout.component_folder(corpus, component)}/plan.json")
            files = self.component_files(corpus, component)
            self._names[key] = listing_of(files, Path(source.path), plan)
        return self._names[key]

    def of_tokenizer(self) -> str:
        """Return the name of the listing of a given tokenizer's file, "" if it has no local one."""
        given = self.experiment.settings.tokenizer.given
        if given is None or given.path is None:
            return ""
        path = Path(given.path)
        return listing_of(local_files(path), path, Path(self.layout.tokenizer_manifest))

    def of_models(self, rows: Iterable[ReleasedModelRow]) -> list[str]:
        """Return the files of released models that are on this machine."""
        settings = self.experiment.settings.released
        folder = settings.folder if settings is not None else None
        return [name for row in rows for name in model_files(row.model, folder)]

    def of_losses(self) -> str:
        """Return the name of the listing of the losses table's file."""
        path = Path(self.layout.losses_file)
        return listing_of(local_files(path), path, Path(self.layout.losses_record))

    def component_files(self, corpus: str, component: str) -> Sequence[LocalFile]:
        """Return the local files that a component is made from; none for a Hub dataset."""
        if (corpus, component) not in self._files:
            settings = self.experiment.sharded[corpus].components[component]
            source = self.experiment.settings.sources[settings.source]
            self._files[corpus, component] = (
                local_files(Path(source.path), settings.files, settings.exclude)
                if source.kind == "local"
                else []
            )
        return self._files[corpus, component]
