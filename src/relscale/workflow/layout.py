"""Keys and places of all results: which folder a digest names, and which file is where.

Shared results (sources, corpora, tokenizers, requests) are in folders named by a key: a readable
name and the digest of everything that decides their content. Results of an experiment are in
`results/<experiment>`.
"""

from dataclasses import dataclass
from functools import cached_property

from relscale.provenance.digests import spec_digest
from relscale.workflow.evaluation_specs import family_spec, texts_spec
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import corpus_of_text, text_sources
from relscale.workflow.text_specs import (
    component_spec,
    corpus_sources,
    corpus_spec,
    sharded_spec,
    source_spec,
    tokenizer_spec,
)

SHARED = "results/shared"
"""Folder of results that experiments share."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """The keys and places of one experiment's results, computed once when first asked for."""

    experiment: PlannedExperiment

    @property
    def results(self) -> str:
        """Folder of the experiment's results."""
        return f"results/{self.experiment.name}"

    # Sources.

    @cached_property
    def source_keys(self) -> dict[str, str]:
        """Key of each configured source, by name."""
        sources = self.experiment.settings.sources
        return {
            name: f"{name}-{spec_digest(source_spec(self.experiment, name))}" for name in sources
        }

    @cached_property
    def source_of_key(self) -> dict[str, str]:
        """Name of each configured source, by key."""
        return {key: name for name, key in self.source_keys.items()}

    def source_manifest(self, name: str) -> str:
        """Return the manifest of a source."""
        return f"{SHARED}/sources/{self.source_keys[name]}/manifest.json"

    def source_options(self, corpus: str) -> list[str]:
        """Return NAME=MANIFEST of each source that a corpus is built or decontaminated with."""
        names = corpus_sources(self.experiment, corpus)
        return [f"{name}={self.source_manifest(name)}" for name in names]

    def corpus_manifests(self, corpus: str) -> list[str]:
        """Return the manifests of the sources that a corpus is built or decontaminated with."""
        return [self.source_manifest(name) for name in corpus_sources(self.experiment, corpus)]

    def family_manifests(self, family: str) -> list[str]:
        """Return the manifests of the sources that a family's text is read from."""
        names = text_sources(self.experiment.settings.families, family)
        return [self.source_manifest(name) for name in names]

    @cached_property
    def fetched_sources(self) -> list[str]:
        """Sources that this experiment fetches, sorted."""
        families = self.experiment.settings.families
        names = {
            name for corpus in self.corpora for name in corpus_sources(self.experiment, corpus)
        }
        names |= {
            name for family in self.experiment.families for name in text_sources(families, family)
        }
        return sorted(names)

    @cached_property
    def listed_sources(self) -> list[str]:
        """Sources that this experiment fetches or reads in place, sorted."""
        read = {
            self.experiment.sharded[corpus].components[component].source
            for corpus, component in self.component_of_key.values()
        }
        return sorted({*self.fetched_sources, *read})

    # Corpora and the tokenizer.

    @cached_property
    def corpora(self) -> list[str]:
        """Corpora that are built: those of the suite, then further ones of the tokenizer."""
        if not self.experiment.trained:
            return []
        trained_on = self.experiment.settings.tokenizer.trained_on
        return list(dict.fromkeys([*self.experiment.read_corpora, *trained_on]))

    @cached_property
    def tokenizer_key(self) -> str:
        """Key of the tokenizer."""
        trained_on = self.experiment.settings.tokenizer.trained_on
        keys = [self._documents_key(corpus) for corpus in trained_on]
        return spec_digest([tokenizer_spec(self.experiment), keys])

    @cached_property
    def component_keys(self) -> dict[tuple[str, str], str]:
        """Key of each component of a sharded corpus, by corpus and component."""
        return {
            (corpus, component): self._component_key(corpus, component)
            for corpus, settings in self.experiment.sharded.items()
            for component in settings.components
        }

    @cached_property
    def component_of_key(self) -> dict[str, tuple[str, str]]:
        """Corpus and name of each component of a sharded corpus, by key."""
        return {key: component for component, key in self.component_keys.items()}

    @cached_property
    def corpus_keys(self) -> dict[str, str]:
        """Key of each corpus that is built and of each sharded corpus of the suite."""
        keys = {corpus: self._sharded_key(corpus) for corpus in self.experiment.sharded}
        return keys | {
            corpus: self._documents_key(corpus) for corpus in self.corpora if corpus not in keys
        }

    @cached_property
    def corpus_of_key(self) -> dict[str, str]:
        """Name of each corpus that is built in memory, by key."""
        sharded = self.experiment.sharded
        return {
            self.corpus_keys[corpus]: corpus for corpus in self.corpora if corpus not in sharded
        }

    @cached_property
    def sharded_of_key(self) -> dict[str, str]:
        """Name of each sharded corpus, by key."""
        return {self.corpus_keys[corpus]: corpus for corpus in self.experiment.sharded}

    @property
    def tokenizer(self) -> str:
        """The tokenizer's file."""
        return f"{SHARED}/tokenizers/{self.tokenizer_key}/tokenizer.json"

    @property
    def tokenizer_manifest(self) -> str:
        """The manifest of a given tokenizer."""
        return f"{SHARED}/tokenizers/{self.tokenizer_key}/manifest.json"

    def documents(self, corpus: str, name: str) -> str:
        """Return a file of the documents of a corpus, or of the corpus of an arm."""
        return f"{SHARED}/corpora/{self.corpus_keys[self.experiment.corpus_of(corpus)]}/{name}"

    def tokens(self, corpus: str, name: str) -> str:
        """Return a file of a corpus's tokens."""
        return self.documents(corpus, f"tokens-{self.tokenizer_key}/{name}")

    @property
    def token_manifests(self) -> list[str]:
        """Manifests of the tokens of the suite's corpora."""
        return [self.tokens(corpus, "manifest.json") for corpus in self.experiment.read_corpora]

    def validation_documents(self, corpus: str) -> str:
        """Return the held-out documents of a corpus."""
        place = self.tokens if corpus in self.experiment.sharded else self.documents
        return place(corpus, "validation.parquet")

    def component_folder(self, corpus: str, component: str) -> str:
        """Return the folder of a component's shards."""
        return f"{SHARED}/components/{self.component_keys[corpus, component]}"

    @property
    def shard_plans(self) -> list[str]:
        """Plans of the shards of all components."""
        return [f"{self.component_folder(*place)}/plan.json" for place in self.component_keys]

    def shard_files(self, corpus: str, ending: str) -> list[str]:
        """Return one file of every shard of a sharded corpus."""
        return [
            f"{self.component_folder(corpus, name)}/{index:05d}.{ending}"
            for name, settings in self.experiment.sharded[corpus].components.items()
            for index in range(settings.shards)
        ]

    def component_options(self, corpus: str) -> list[str]:
        """Return NAME=FOLDER of each component of a sharded corpus."""
        components = self.experiment.sharded[corpus].components
        return [f"{name}={self.component_folder(corpus, name)}" for name in components]

    # Requests, texts and evaluations.

    @cached_property
    def requests_of_key(self) -> dict[str, tuple[str, str | None]]:
        """Family, and corpus if its text is the family's, of the requests with each key."""
        if not self.experiment.trained:
            return {}
        return {
            self._requests_key(family, corpus): (
                family,
                corpus_of_text(self.experiment.family(family), corpus),
            )
            for family in self.experiment.families
            for corpus in self.experiment.read_corpora
        }

    def requests(self, family: str, corpus: str, name: str) -> str:
        """Return a file of the requests that a corpus's runs are scored on."""
        key = self._requests_key(family, self.experiment.corpus_of(corpus))
        return f"{SHARED}/families/{key}/{name}"

    @property
    def request_manifests(self) -> list[str]:
        """Manifests of all requests."""
        return list(
            dict.fromkeys(
                self.requests(family, corpus, "manifest.json")
                for family in self.experiment.families
                for corpus in self.experiment.read_corpora
            )
        )

    def request_texts(self, key: str) -> list[str]:
        """Return the files with the text of requests: source manifests or held-out documents."""
        family, corpus = self.requests_of_key[key]
        if corpus is not None:
            return [self.validation_documents(corpus)]
        return self.family_manifests(family)

    @cached_property
    def texts_of_key(self) -> dict[str, str]:
        """Family of the texts for released models with each key."""
        if self.experiment.settings.released is None:
            return {}
        return {self.texts_key(family): family for family in self.experiment.families}

    def texts_key(self, family: str) -> str:
        """Return the key of a family's texts for released models."""
        spec = texts_spec(self.experiment, family)
        return f"{family}-{spec_digest([spec, self._source_specs(family)])}"

    def texts(self, family: str, name: str) -> str:
        """Return a file of a family's texts for released models."""
        return f"{SHARED}/texts/{self.texts_key(family)}/{name}"

    def needs_overlap_search(self, family: str, corpus: str) -> bool:
        """Return whether a corpus is searched for the items of a family.

        It is if the family's text was not removed from it, and it is not sharded.
        """
        if self.experiment.corpus_of(corpus) in self.experiment.sharded:
            return False
        settings = self.experiment.settings
        name = settings.families[family].text_family(family)
        return name is not None and name not in settings.corpora.decontaminate_against

    def overlaps(self, family: str, corpus: str) -> list[str]:
        """Return the result of the search for a family's items in a corpus, if there is one.

        That of an arm is the result of its corpus.
        """
        if not self.needs_overlap_search(family, corpus):
            return []
        read = self.experiment.corpus_of(corpus)
        return [f"{self.results}/evaluations/{family}/overlaps-{read}.json"]

    def control_files(self, kind: str) -> list[str]:
        """Return one file of the controls of every corpus; `kind` is losses or items."""
        corpora = self.experiment.settings.suite.corpora
        return [f"{self.results}/controls/{corpus}-{kind}.parquet" for corpus in corpora]

    def control_requests(self, corpus: str, families: list[str]) -> list[str]:
        """Return NAME=PATH of the requests of families that a corpus's controls are scored on."""
        return [f"{name}={self.requests(name, corpus, 'requests.parquet')}" for name in families]

    def control_overlaps(self, corpus: str, families: list[str]) -> list[str]:
        """Return the option with NAME=PATH of the overlaps of families, if any has some."""
        found = [f"{name}={path}" for name in families for path in self.overlaps(name, corpus)]
        return ["--overlaps", *found] if found else []

    def statistics(self, kind: str, name: str) -> str:
        """Return the statistics of one corpus, or of the family with a key.

        Args:
            kind: corpora or families.
            name: name of the corpus, or key of the family's requests.
        """
        return f"{self.results}/statistics/{kind}/{name}.csv"

    def word_counts(self, corpus: str) -> list[str]:
        """Return the words of a corpus; a sharded one is not counted."""
        sharded = corpus in self.experiment.sharded
        return [] if sharded else [self.documents(corpus, "words.parquet")]

    def token_bytes(self, family: str, corpus: str) -> list[str]:
        """Return the bytes of a family's tokens, if its losses are summed by bucket.

        Those of an arm are those of its corpus.
        """
        if not self.experiment.family(family).sums_by_bucket():
            return []
        read = self.experiment.corpus_of(corpus)
        return [f"{self.results}/evaluations/{family}/bytes-{read}.parquet"]

    def part_sums(self, family: str, kind: str) -> list[str]:
        """Return the sums of a family by `buckets` or `positions`, if it has them."""
        if not self.experiment.family(family).sums_by_bucket():
            return []
        return self.evaluations(family, kind)

    def run_file(self, run: str, name: str) -> str:
        """Return a file or folder of a trained run."""
        return f"{self.results}/runs/{run}/{name}"

    def curve_runs(self, corpus: str, budget: str, name: str) -> list[str]:
        """Return one file or folder of each run of an IsoFLOP curve."""
        return [self.run_file(run, name) for run in self.experiment.runs_of(corpus, budget)]

    def evaluations(self, family: str, kind: str) -> list[str]:
        """Return one file of every evaluation of a family.

        `kind` is losses, items, buckets or positions.
        """
        return [
            f"{self.results}/evaluations/{family}/{corpus}-{budget}-{kind}.parquet"
            for corpus, budget in self.experiment.curves
        ]

    def evaluations_below(self, family: str, kind: str) -> list[str]:
        """Return those of `evaluations` from which the largest budgets are predicted."""
        return [
            f"{self.results}/evaluations/{family}/{corpus}-{budget}-{kind}.parquet"
            for corpus, budgets in self.experiment.registered_budgets.items()
            for budget in budgets[:-1]
        ]

    def registers(self, family: str) -> list[str]:
        """Return the files of registered predictions of a family, one per corpus."""
        return [
            f"{self.results}/registered/{family}/{corpus}.json"
            for corpus in self.experiment.registered_budgets
        ]

    def family_table(self, family: str, kind: str) -> str:
        """Return the losses or the items of a family."""
        return f"{self.results}/evaluations/{family}/{kind}.parquet"

    @property
    def losses_file(self) -> str:
        """The losses table from outside.

        Raises:
            ValueError: if the experiment has none.
        """
        table = self.experiment.settings.losses
        if table is None:
            raise ValueError(f"{self.experiment.name}: has no losses table")
        return table.path

    @property
    def losses_record(self) -> str:
        """The record of the file that a losses table was read from."""
        return f"{self.results}/tables/losses_table.json"

    def law_table(self, family: str, table: str) -> str:
        """Return a table of laws of one family."""
        return f"{self.results}/laws/{family}/{table}.csv"

    # Keys.

    def _source_specs(self, family: str) -> list[object]:
        names = text_sources(self.experiment.settings.families, family)
        return [source_spec(self.experiment, name) for name in names]

    def _documents_key(self, corpus: str) -> str:
        sources = [
            source_spec(self.experiment, name) for name in corpus_sources(self.experiment, corpus)
        ]
        return f"{corpus}-{spec_digest([corpus_spec(self.experiment, corpus), sources])}"

    def _component_key(self, corpus: str, component: str) -> str:
        sources = [
            source_spec(self.experiment, name) for name in corpus_sources(self.experiment, corpus)
        ]
        spec = component_spec(self.experiment, corpus, component)
        return f"{component}-{spec_digest([spec, sources, self.tokenizer_key])}"

    def _sharded_key(self, corpus: str) -> str:
        components = self.experiment.sharded[corpus].components
        keys = [self.component_keys[corpus, component] for component in components]
        settings = sharded_spec(self.experiment, corpus).settings
        return f"{corpus}-{spec_digest([corpus, settings, keys])}"

    @cached_property
    def _request_keys(self) -> dict[tuple[str, str | None], str]:
        return {}

    def _requests_key(self, family: str, corpus: str) -> str:
        own = corpus_of_text(self.experiment.family(family), corpus)
        if (family, own) not in self._request_keys:
            origin = self._source_specs(family) if own is None else self.corpus_keys[own]
            spec = family_spec(self.experiment, family, own)
            digest = spec_digest([spec, origin, self.tokenizer_key])
            self._request_keys[family, own] = f"{family}-{digest}"
        return self._request_keys[family, own]
