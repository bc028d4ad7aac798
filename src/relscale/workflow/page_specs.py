"""The tables and pages of a report, and the specs of findings, explorer and provenance."""

from relscale.figures import find as find_figure
from relscale.pages import from_context
from relscale.pages.captions import plain_caption
from relscale.pages.render import template_texts
from relscale.pages.spec import (
    SHOWN_PACKAGES,
    ExplorerSpec,
    FindingsSpec,
    FrontSpec,
    Origin,
    ProvenanceSpec,
)
from relscale.provenance.digests import spec_digest
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.figure_specs import compared_families, figure_context
from relscale.workflow.law_specs import (
    frontiers,
    has_arms,
    has_covariate,
    has_suite_contrasts,
    prompt_families,
)
from relscale.workflow.layout import Layout
from relscale.workflow.statistics_specs import has_statistics

FRONT_LINKS = {
    "explorer.html": "Explorer: other baselines, estimators and scales",
    "html/findings.html": "All verdicts with their intervals",
    "html/relative.html": "Table of all slopes",
    "report.html": "Report: all figures and tables",
    "html/provenance.html": "Where the numbers come from",
    "tables/losses.csv": "The losses themselves",
}
"""Links of the front page."""
SUITE_LINK = {"html/suite_contrasts.html": "Suites compared with each other"}
"""The same where suites are compared."""
STATISTICS_LINK = {"html/corpus_statistics.html": "Statistics of the corpora and domains"}
"""The same where corpora and domains have statistics."""


def corpora_tables(experiment: PlannedExperiment) -> list[str]:
    """Return the tables about corpora: none if nothing is trained."""
    names = ["corpora"] if experiment.trained else []
    return [*names, "corpus_statistics"] if has_statistics(experiment) else names


def result_tables(experiment: PlannedExperiment) -> list[str]:
    """Return the files of results/<experiment>/tables that a whole experiment makes."""
    return [
        "suite.csv",
        "bill.txt",
        "sources.csv",
        "losses.parquet",
        "losses.csv",
        "items.parquet",
        "decisions.txt" if experiment.from_table else "preflight.json",
        *(["implementations.csv"] if experiment.trained else []),
        *(f"{table}.csv" for table in corpora_tables(experiment)),
    ]


def representation_table(experiment: PlannedExperiment, layout: Layout) -> list[str]:
    """Return the table `representation`, if the experiment asks its question."""
    asked = experiment.settings.laws.representation is not None
    return [f"{layout.results}/laws/representation.csv"] if asked else []


def bucket_table(experiment: PlannedExperiment, layout: Layout, name: str) -> list[str]:
    """Return the table `buckets` or `documents`, if a family is summed by bucket."""
    summed = any(experiment.family(each).sums_by_bucket() for each in experiment.settings.evaluate)
    return [f"{layout.results}/laws/{name}.csv"] if summed else []


def suite_contrasts_table(experiment: PlannedExperiment, layout: Layout) -> list[str]:
    """Return the table of contrasts between suites, if the experiment asks for them."""
    asked = has_suite_contrasts(experiment)
    return [f"{layout.results}/laws/suite_contrasts.csv"] if asked else []


def table_pages(experiment: PlannedExperiment, layout: Layout) -> dict[str, str]:
    """Return the tables that are shown as pages, by the name of the page."""
    laws = [
        "relative",
        "families",
        "contrasts",
        "absolute",
        "optima",
        "decomposition",
        "loss_to_loss",
        "surface",
        "two_stage",
        "predictions",
    ]
    laws += ["correlation"] if has_covariate(experiment) else []
    laws += ["prompts"] if prompt_families(experiment) else []
    laws += ["scores"] if experiment.registered_budgets else []
    laws += ["representation"] if representation_table(experiment, layout) else []
    laws += ["tuned", "tuned_sizes"] if frontiers(experiment) else []
    laws += ["conditions"] if has_arms(experiment) else []
    laws += ["statistics_exponents"] if has_statistics(experiment) else []
    laws += ["suite_contrasts"] if has_suite_contrasts(experiment) else []
    pages = {name: f"{layout.results}/laws/{name}.csv" for name in [*laws, "backtest", "forecast"]}
    tables = ["suite", *corpora_tables(experiment), "sources"]
    return pages | {name: f"{layout.results}/tables/{name}.csv" for name in tables}


def control_pages(experiment: PlannedExperiment) -> list[str]:
    """Return the pages about controls, which have a rule of their own: none without controls."""
    return ["controls"] if experiment.controls else []


def explored_families(experiment: PlannedExperiment) -> list[str]:
    """Return the families that the explorer shows against other baselines, too."""
    most = experiment.settings.figures.explorer_baselines
    return [
        name
        for name in compared_families(experiment)
        if len(experiment.family(name).domain_names()) <= most
    ]


def findings_spec(experiment: PlannedExperiment) -> FindingsSpec:
    """Return the spec of the page of findings."""
    origin: Origin = "trained" if experiment.trained else "released"
    return from_context.findings_spec(
        figure_context(experiment),
        experiment.settings.laws,
        "table" if experiment.from_table else origin,
    )


def front_figure(experiment: PlannedExperiment, layout: Layout) -> list[str]:
    """Return the drawing of the front page: the first figure of the experiment, if it has any."""
    names = experiment.settings.figures.names
    return [f"{layout.results}/figures/{name}.svg" for name in names[:1]]


def front_spec(experiment: PlannedExperiment) -> FrontSpec:
    """Return the spec of the front page."""
    names = experiment.settings.figures.names
    return FrontSpec(
        title=experiment.name,
        findings=findings_spec(experiment),
        caption=plain_caption(find_figure(names[0]).caption) if names else "",
        links=FRONT_LINKS
        | (SUITE_LINK if has_suite_contrasts(experiment) else {})
        | (STATISTICS_LINK if has_statistics(experiment) else {}),
    )


def explorer_spec(experiment: PlannedExperiment) -> ExplorerSpec:
    """Return the spec of the explorer; estimators are not in it."""
    return from_context.explorer_spec(figure_context(experiment), experiment.name)


def provenance_spec(experiment: PlannedExperiment, layout: Layout) -> ProvenanceSpec:
    """Return the spec of the page of provenance: keys of shared results, and packages to show."""
    if experiment.trained:
        digests = {"tokenizer": layout.tokenizer_key}
        digests |= {f"corpus {corpus}": layout.corpus_keys[corpus] for corpus in layout.corpora}
        for key, (family, corpus) in layout.requests_of_key.items():
            digests[f"requests of {family}" + (f", {corpus}" if corpus else "")] = key
    else:
        digests = {f"texts of {name}": key for key, name in layout.texts_of_key.items()}
    keys = [
        *layout.source_of_key,
        *layout.corpus_of_key,
        *([] if experiment.from_table else [layout.tokenizer_key]),
        *layout.requests_of_key,
        *layout.texts_of_key,
    ]
    return ProvenanceSpec(
        experiment=experiment.name,
        digests=digests,
        packages=list(SHOWN_PACKAGES),
        shared_keys=sorted(set(keys)),
    )


def template_digest(stage: str) -> str:
    """Return the digest of all templates, styles and scripts that a page stage renders."""
    return spec_digest(template_texts(stage))
