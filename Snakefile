"""Entry point: load and check the configuration, include the rules, name the targets."""

from snakemake.utils import min_version

min_version("9.25")


configfile: "config.yaml"


include: "workflow/rules/common.smk"


if EXPERIMENT.from_table:

    include: "workflow/rules/losses_table.smk"

elif EXPERIMENT.trained:

    include: "workflow/rules/sources.smk"
    include: "workflow/rules/corpora.smk"
    include: "workflow/rules/sharded.smk"
    include: "workflow/rules/suite.smk"
    include: "workflow/rules/train.smk"
    include: "workflow/rules/evaluate.smk"
    include: "workflow/rules/family_losses.smk"

else:

    include: "workflow/rules/sources.smk"
    include: "workflow/rules/released.smk"
    include: "workflow/rules/family_losses.smk"


include: "workflow/rules/losses.smk"
include: "workflow/rules/laws.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


report: str(Path(RESULTS, "html/landing.rst").absolute())


rule all:
    """Make all results of the experiment; `snakemake --report` then builds its report."""
    default_target: True
    input:
        collect(
            "{results}/tables/{table}", results=RESULTS, table=page_specs.result_tables(EXPERIMENT)
        ),
        collect(
            "{results}/laws/{table}.csv",
            results=RESULTS,
            table=[*law_specs.suite_tables(EXPERIMENT), *law_specs.LAW_TABLES],
        ),
        collect(
            "{results}/figures/{figure}.{ending}",
            results=RESULTS,
            figure=FIGURES,
            ending=figure_specs.FORMATS,
        ),
        collect(
            "{results}/html/{page}.html", results=RESULTS, page=[*PAGES, "findings", "provenance"]
        ),
        f"{RESULTS}/html/landing.rst",
        f"{RESULTS}/explorer.html",
    localrule: True


rule plan:
    """Write only the suite's table and its bill."""
    input:
        f"{RESULTS}/tables/suite.csv",
        f"{RESULTS}/tables/bill.txt",
    localrule: True


note_commands()


onsuccess:
    note_checksums()


onerror:
    note_checksums()
