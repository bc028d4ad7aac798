"""Tables as sortable pages, since Snakemake's report can only offer a CSV for download."""


rule table_page:
    """Write one table as a page of the report."""
    input:
        table=lambda wildcards: PAGES[wildcards.page],
    output:
        page=report(
            f"{RESULTS}/html/{{page}}.html",
            caption="../report/table.rst",
            category="4 Tables",
            labels={"table": "{page}"},
        ),
    log:
        f"logs/{EXPERIMENT.experiment}/table_page/{{page}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.html_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.html_table \
            --csv {input.table:q} \
            --html {output.page:q} \
            --title {wildcards.page:q}
        """
