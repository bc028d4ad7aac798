"""Entry point: loads and checks the configuration, includes the stages, names the goals; nothing else."""

from snakemake.utils import min_version

min_version("9.25")


configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/common_sources.smk"
include: "workflow/rules/common_corpora.smk"
include: "workflow/rules/common_evaluation.smk"
include: "workflow/rules/common_released.smk"
include: "workflow/rules/common_training.smk"
include: "workflow/rules/common_laws.smk"
include: "workflow/rules/common_figures.smk"
include: "workflow/rules/common_pages.smk"
include: "workflow/rules/common_sums.smk"
include: "workflow/rules/sources.smk"


if TRAINED:

    include: "workflow/rules/corpora.smk"
    include: "workflow/rules/sharded.smk"
    include: "workflow/rules/suite.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/evaluate.smk"

else:

    include: "workflow/rules/released.smk"


include: "workflow/rules/losses.smk"
include: "workflow/rules/laws.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


report: str(Path(RESULTS, "html/landing.rst").absolute())


rule all:
    """Everything that an experiment gives, but the report that Snakemake builds from it."""
    default_target: True
    input:
        collect("{results}/tables/{table}", results=RESULTS, table=TABLES),
        collect("{results}/laws/{table}.csv", results=RESULTS, table=[*SUITE_LAWS, *LAW_TABLES]),
        collect(
            "{results}/figures/{figure}.{ending}", results=RESULTS, figure=FIGURES, ending=FORMATS
        ),
        collect(
            "{results}/html/{page}.html", results=RESULTS, page=[*PAGES, "findings", "provenance"]
        ),
        f"{RESULTS}/html/landing.rst",
        f"{RESULTS}/explorer.html",
    localrule: True


rule plan:
    """Only the suite and its bill."""
    input:
        f"{RESULTS}/tables/suite.csv",
        f"{RESULTS}/tables/bill.txt",
    localrule: True


onsuccess:
    note_sums()


onerror:
    note_sums()
