"""The experiment's configuration: typed, closed and checked as a whole, before any work.

`load_config` is the only door: it reports every error of a configuration at once, each with its
file, key, value and what would be right. `workflow/schemas/config.schema.json` is generated from
these models. Light imports only: the Snakefile loads this module. Stages import the part of
`relscale.config` that they need, so that an edit of one part leaves the others' results alone.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from relscale.config.analysis import Costs, Figures, Laws
from relscale.config.base import Model, Name, Unique
from relscale.config.corpora import Corpora, Tokenizer
from relscale.config.families import AnyFamily
from relscale.config.released import ReleasedModels
from relscale.config.sources import Source
from relscale.config.suite import Suite
from relscale.config.training import Training
from relscale.plan.suite import PlanError, plan_suite

RENAMED_SECTIONS = {"checkpoints": "released"}
"""Sections of older configurations by the names of today."""


class Experiment(Model):
    """A whole experiment."""

    experiment: Name
    """Name of the folder below results/."""
    downloads: str | None = None
    """A folder of already downloaded packages, used instead of the network. Not part of any
    result."""
    sources: dict[Name, Source]
    """Where text comes from."""
    corpora: Corpora
    """What models are trained on."""
    tokenizer: Tokenizer
    """How text becomes tokens."""
    suite: Suite
    """Which models are trained."""
    released: ReleasedModels | None = None
    """Released models that are evaluated instead of trained runs; `corpora`, `tokenizer` and
    `suite` are then not used."""
    training: Training = Training()
    """How training is kept safe."""
    evaluate: Annotated[Unique[Name], Field(min_length=1)]
    """Families that every run is evaluated on (keys of `families`)."""
    families: dict[Name, AnyFamily]
    """Domains that are compared with each other."""
    laws: Laws
    """How gaps are turned into laws."""
    figures: Figures
    """What is drawn."""
    costs: Costs
    """What the plan's bill assumes."""


FIGURE_FAMILIES = {
    "figure4_knowledge": "knowledge",
    "figure5_language": "language",
    "figure7_behaviour": "behaviour",
    "topics": "topics",
}
"""Figures that show one family of a fixed name."""


def figure_families(evaluate: Iterable[str]) -> dict[str, str]:
    """Return the family that each such figure shows: figure 7 the paper's own, AI risk, where that
    is evaluated."""
    return FIGURE_FAMILIES | ({"figure7_behaviour": "risk"} if "risk" in evaluate else {})


MOST_COMPONENTS = 63
"""Components of a sharded corpus at most (`text.mixture` takes no more)."""

Problem = tuple[tuple[str | int, ...], str]
"""A key's path and what is wrong with it."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message lists every problem."""


def load_config(
    raw: Mapping[str, Any], files: Iterable[tuple[str, Mapping[str, Any]]] = ()
) -> Experiment:
    """Check a merged configuration as a whole.

    Args:
        raw: the merged configuration, as read from YAML.
        files: (name, content) of the files it was merged from, in order; only used to say where a
            key stands.

    Raises:
        ConfigError: with one line for each problem: file, key, value, and what would be right.
    """
    problems: list[Problem] = []
    sections: dict[str, Any] = {}
    for key in raw:
        if key in RENAMED_SECTIONS:
            problems.append(((key,), f"this section is now called `{RENAMED_SECTIONS[key]}`"))
        elif key not in Experiment.model_fields:
            problems.append(
                ((key,), f"unknown key; the choices are {', '.join(Experiment.model_fields)}")
            )
    for name, field in Experiment.model_fields.items():
        if name not in raw and not field.is_required():
            sections[name] = field.get_default()
            continue
        if name not in raw:
            problems.append(((name,), "missing"))
            continue
        annotated: Any = (
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        )
        try:
            sections[name] = TypeAdapter(annotated).validate_python(raw[name])
        except ValidationError as error:
            for item in error.errors():
                path, fields = _follow(annotated, item["loc"])
                problems.append(((name, *path), _words(item, fields)))
    problems += _cross_checks(sections)
    if problems:
        files = list(files)
        lines = [
            f"  {_where(path, files)}{_dotted(path)} = {_shown(raw, path)}: {what}"
            for path, what in problems
        ]
        raise ConfigError(f"{len(problems)} problem(s) in the configuration:\n" + "\n".join(lines))
    return Experiment.model_construct(**sections)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one configuration file.

    Raises:
        ValueError: naming the file, where it is missing, no YAML or no mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must be a mapping of keys")
    return content


def merged(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge configurations as Snakemake does: mappings key by key, everything else replaced by the
    later one; a null takes its key away."""
    result: dict[str, Any] = {}
    for content in contents:
        for key, value in content.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both else value
    return {
        key: merged([value]) if isinstance(value, Mapping) else value
        for key, value in result.items()
        if value is not None
    }


def json_schema() -> str:
    """Return the closed JSON schema of a whole configuration, as text."""
    schema = Experiment.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def _words(error: Mapping[str, Any], fields: list[str]) -> str:
    """Turn one of pydantic's errors into words that name the choices."""
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return f"unknown key; the choices are {', '.join(fields)}"
    if error["type"] == "union_tag_not_found":
        return f"the key {context['discriminator']} is missing"
    if error["type"] in {"literal_error", "union_tag_invalid"}:
        return f"the choices are {context.get('expected') or context.get('expected_tags')}"
    if error["type"] == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    return str(error["msg"])


def _follow(
    annotation: Any, location: tuple[str | int, ...]
) -> tuple[tuple[str | int, ...], list[str]]:
    """Follow an error's location through the types.

    Returns:
        The key's path, without the union tags that pydantic puts into a location, and the fields of
        the model it ends in.
    """
    path: list[str | int] = []
    fields: list[str] = []
    for part in location:
        kind, tag_key = _plain(annotation)
        if tag_key is not None:
            annotation = next(
                member
                for member in get_args(kind)
                if part in get_args(member.model_fields[tag_key].annotation)
            )
            continue
        if part == "[key]":
            continue
        path.append(part)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = list(kind.model_fields)
            field = kind.model_fields.get(str(part))
            annotation = Annotated[field.annotation, field] if field is not None else Any
        else:
            annotation = get_args(kind)[-1] if get_args(kind) else Any
    return tuple(path), fields


def _plain(annotation: Any) -> tuple[Any, str | None]:
    """Strip an annotation down to its type; the second value is the discriminating key, where it is
    a tagged union."""
    tag_key = None
    while get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        tag_key = next(
            (item.discriminator for item in metadata if getattr(item, "discriminator", None)),
            tag_key,
        )
    if tag_key is None and get_origin(annotation) is UnionType:
        annotation = next(
            (member for member in get_args(annotation) if member is not type(None)), annotation
        )
    return annotation, tag_key


def _dotted(path: tuple[str | int, ...]) -> str:
    return re.sub(
        r"\.\[", "[", ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in path)
    )


def _look(raw: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            raw = raw[part]
        except (IndexError, TypeError):
            raise KeyError(part) from None
    return raw


def _shown(raw: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
    try:
        text = repr(_look(raw, path))
    except KeyError:
        return "(nothing)"
    return text if len(text) <= 80 else text[:77] + "..."


def _where(path: tuple[str | int, ...], files: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Name the last file that holds the key, or its nearest parent."""
    for depth in range(len(path), 0, -1):
        for name, content in reversed(files):
            try:
                _look(content, path[:depth])
            except KeyError:
                continue
            return f"{name}: "
    return f"{Path(files[-1][0])}: " if files else ""


def _cross_checks(sections: Mapping[str, Any]) -> list[Problem]:
    """Check what one section says of another, as far as both could be read."""
    problems: list[Problem] = []

    def one_of(
        path: tuple[str | int, ...], value: str, section: str, choices: Iterable[str]
    ) -> None:
        choices = list(choices)
        if value not in choices:
            problems.append(
                (
                    path,
                    f"no such entry in {section}; the choices are {', '.join(choices) or '(none)'}",
                )
            )

    sources, corpora, families = (
        sections.get("sources"),
        sections.get("corpora"),
        sections.get("families"),
    )
    suite, tokenizer, laws, figures = (
        sections.get(key) for key in ("suite", "tokenizer", "laws", "figures")
    )
    if corpora is not None and sources is not None:
        for name, mixture in corpora.mixtures.items():
            for index, component in enumerate(mixture.components):
                key = ("corpora", "mixtures", name, "components", index)
                one_of((*key, "source"), component.source, "sources", sources)
                if component.max_share and len(mixture.components) == 1:
                    problems.append(((*key, "max_share"), "a share of a corpus of one component"))
                if component.part and component.part.index >= component.part.of:
                    problems.append(((*key, "part", "index"), f"must be below {component.part.of}"))
        problems += _sharded_checks(corpora, sources)
    if corpora is not None and families is not None:
        texts = [name for name, family in families.items() if not family.needs_suite]
        for index, name in enumerate(corpora.decontaminate_against):
            one_of(
                ("corpora", "decontaminate_against", index),
                name,
                "families with texts of their own",
                texts,
            )
    if corpora is not None and tokenizer is not None:
        for index, name in enumerate(tokenizer.trained_on):
            one_of(("tokenizer", "trained_on", index), name, "corpora.mixtures", corpora.mixtures)
        if (tokenizer.given is None) == (not tokenizer.trained_on):
            problems.append(
                (
                    ("tokenizer", "trained_on"),
                    "either corpora to train a tokenizer on, or [] and a `given` one",
                )
            )
    if corpora is not None and suite is not None:
        for index, name in enumerate(suite.corpora):
            one_of(
                ("suite", "corpora", index),
                name,
                "corpora.mixtures and corpora.sharded",
                [*corpora.mixtures, *corpora.sharded],
            )
    if sections.get("released") is not None:
        problems += _released_checks(sections)
    elif suite is not None:
        found = _suite_checks(suite)
        problems += found
        if tokenizer is not None and not found:
            try:
                plan_suite(suite, tokenizer.vocab_size)
            except PlanError as error:
                problems += error.problems.items()
        if figures is not None:
            one_of(("figures", "corpus"), figures.corpus, "suite.corpora", suite.corpora)
    if figures is not None and "evaluate" in sections:
        needed = figure_families(sections["evaluate"]) | {
            "figure6_size_or_data": figures.size_or_data
        }
        for index, name in enumerate(figures.names):
            if name in needed and needed[name] not in sections["evaluate"]:
                problems.append(
                    (
                        ("figures", "names", index),
                        f"shows the family {needed[name]}, which is not in evaluate",
                    )
                )
    if figures is not None and families is not None:
        for index, name in enumerate(figures.teaser):
            one_of(("figures", "teaser", index), name, "families", families)
    if families is not None:
        problems += _family_checks(
            families, sources, suite.recipe.context_length if suite is not None else None
        )
        for index, name in enumerate(sections.get("evaluate", ())):
            one_of(("evaluate", index), name, "families", families)
    if laws is not None and families is not None:
        for name in (
            name
            for name in sections.get("evaluate", ())
            if name in families and families[name].options_alike
        ):
            for axis in ("loss_metric", "accuracy_metric"):
                one_of(
                    ("laws", "two_stage", axis),
                    getattr(laws.two_stage, axis),
                    f"families.{name}.metrics",
                    families[name].metrics,
                )
    if laws is not None and "evaluate" in sections:
        one_of(("laws", "optimum_by"), laws.optimum_by, "evaluate", sections["evaluate"])
    return problems


def _released_checks(sections: Mapping[str, Any]) -> list[Problem]:
    """Check that released models are not asked for something that only trained runs have."""
    problems: list[Problem] = []
    families, figures = sections.get("families") or {}, sections.get("figures")
    for index, name in enumerate(sections.get("evaluate", ())):
        if name in families and families[name].needs_suite:
            message = (
                f"a family of kind {families[name].kind} needs the corpus and tokenizer of trained "
                "runs, but released models are evaluated: leave it out"
            )
            problems.append((("evaluate", index), message))
    if figures is not None and "loss_curves" in figures.names:
        problems.append(
            (
                ("figures", "names", figures.names.index("loss_curves")),
                "released models have no loss curves: leave it out",
            )
        )
    return problems


def _sharded_checks(corpora: Corpora, sources: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    usable = [name for name, source in sources.items() if source.kind in {"local", "hub"}]
    for name, corpus in corpora.sharded.items():
        key = ("corpora", "sharded", name)
        if name in corpora.mixtures:
            problems.append((key, "a corpus of corpora.mixtures has this name"))
        if len(corpus.components) > MOST_COMPONENTS:
            problems.append(
                (
                    (*key, "components"),
                    f"{len(corpus.components)} components; at most {MOST_COMPONENTS} can be mixed",
                )
            )
        for part, component in corpus.components.items():
            if component.source not in usable:
                choices = ", ".join(usable) or "(none)"
                problems.append(
                    (
                        (*key, "components", part, "source"),
                        f"no source of kind local or hub; the choices are {choices}",
                    )
                )
    return problems


def _suite_checks(suite: Suite) -> list[Problem]:
    problems: list[Problem] = []
    labels = [budget.label for budget in suite.budgets]
    for index, budget in enumerate(suite.budgets):
        if labels.index(budget.label) != index:
            problems.append((("suite", "budgets", index, "label"), "this budget is there twice"))
        if suite.recipe.name != "marin2025" and not budget.shapes:
            problems.append(
                (
                    ("suite", "budgets", index, "shapes"),
                    f"recipe {suite.recipe.name} needs a list of shapes",
                )
            )
        if suite.recipe.name == "marin2025" and budget.shapes is not None:
            problems.append(
                (
                    ("suite", "budgets", index, "shapes"),
                    "recipe marin2025 derives its sizes: leave the key out",
                )
            )
    if (
        suite.recipe.name != "chinchilla"
        and suite.recipe.warmup_share + suite.recipe.decay_share > 1
    ):
        problems.append((("suite", "recipe", "warmup_share"), "with decay_share more than 1"))
    for index, replicate in enumerate(suite.replicates):
        of = next((budget for budget in suite.budgets if budget.label == replicate.budget), None)
        shapes = (of.shapes or []) if of else []
        if of is None:
            problems.append(
                (
                    ("suite", "replicates", index, "budget"),
                    f"no such budget; the choices are {', '.join(labels)}",
                )
            )
        elif replicate.shape not in shapes:
            problems.append(
                (
                    ("suite", "replicates", index, "shape"),
                    f"no shape of that budget; the choices are {', '.join(shapes)}",
                )
            )
        cells = [(other.budget, other.shape) for other in suite.replicates]
        if cells.index((replicate.budget, replicate.shape)) != index:
            problems.append(
                (("suite", "replicates", index), "this cell is there twice: put its seeds together")
            )
    return problems


def _family_checks(
    families: Mapping[str, Any], sources: Mapping[str, Any] | None, window: int | None
) -> list[Problem]:
    return [
        (("families", name, *key), message)
        for name, family in families.items()
        for key, message in family.problems(families, sources, window)
    ]
