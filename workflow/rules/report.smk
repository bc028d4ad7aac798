"""Pages of the report: findings, explorer, provenance, and tables that can be sorted.

Snakemake's report can only offer a CSV file for download, so each table has a page.
"""


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
        f"logs/{EXPERIMENT.name}/table_page/{{page}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/table_page/{{page}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.html_table"),
        lock=lock_digest("relscale.stages.html_table"),
        templates=page_specs.template_digest("html_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.html_table \
            --csv {input.table:q} \
            --html {output.page:q} \
            --title {wildcards.page:q}
        """


rule other_baselines:
    """Fit a family's relative laws against each of its other domains, for the explorer."""
    input:
        losses=f"{RESULTS}/evaluations/{{family}}/losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/items.parquet",
        optimum_losses=f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet",
    output:
        table=f"{RESULTS}/laws/{{family}}/baselines.csv",
    log:
        f"logs/{EXPERIMENT.name}/other_baselines/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/other_baselines/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="60m",
    params:
        spec=lambda wildcards: canonical_json(
            law_specs.baselines_spec(EXPERIMENT, wildcards.family)
        ),
        code=code_digest("relscale.stages.baselines"),
        lock=lock_digest("relscale.stages.baselines"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.baselines \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --optimum-losses {input.optimum_losses:q} \
            --out {output.table:q}
        """


rule explorer:
    """Build the explorer: a page to try estimators, corpora, baselines and metrics."""
    input:
        losses=f"{RESULTS}/tables/losses.parquet",
        points=f"{RESULTS}/laws/points.csv",
        absolute=f"{RESULTS}/laws/absolute.csv",
        relative=f"{RESULTS}/laws/relative.csv",
        baselines=[
            LAYOUT.law_table(family, "baselines")
            for family in page_specs.explored_families(EXPERIMENT)
        ],
        contrasts=f"{RESULTS}/laws/contrasts.csv",
        buckets=page_specs.bucket_table(EXPERIMENT, LAYOUT, "buckets"),
        documents=page_specs.bucket_table(EXPERIMENT, LAYOUT, "documents"),
        suite_contrasts=page_specs.suite_contrasts_table(EXPERIMENT, LAYOUT),
    output:
        page=report(
            f"{RESULTS}/explorer.html",
            caption="../report/explorer.rst",
            category="0 Findings",
            labels={"page": "explorer"},
        ),
    log:
        f"logs/{EXPERIMENT.name}/explorer.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/explorer.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        spec=verbatim(canonical_json(page_specs.explorer_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.explorer"),
        lock=lock_digest("relscale.stages.explorer"),
        templates=page_specs.template_digest("explorer"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.explorer \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --points {input.points:q} \
            --absolute {input.absolute:q} \
            --relative {input.relative:q} \
            --baselines {input.baselines:q} \
            --contrasts {input.contrasts:q} \
            --buckets {input.buckets:q} \
            --documents {input.documents:q} \
            --suite-contrasts {input.suite_contrasts:q} \
            --out {output.page:q}
        """


rule findings:
    """Write the findings, sentences made from the tables, as a page and as the report's first."""
    input:
        relative=f"{RESULTS}/laws/relative.csv",
        suite=f"{RESULTS}/tables/suite.csv",
        families=f"{RESULTS}/laws/families.csv",
        forecast=f"{RESULTS}/laws/forecast.csv",
        scores=[f"{RESULTS}/laws/scores.csv"] if EXPERIMENT.registered_budgets else [],
        decisions=[f"{RESULTS}/tables/decisions.txt"] if EXPERIMENT.from_table else [],
        representation=page_specs.representation_table(EXPERIMENT, LAYOUT),
    output:
        page=report(
            f"{RESULTS}/html/findings.html",
            caption="../report/findings.rst",
            category="0 Findings",
            labels={"page": "findings"},
        ),
        text=f"{RESULTS}/html/landing.rst",
    log:
        f"logs/{EXPERIMENT.name}/findings.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/findings.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(page_specs.findings_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.findings"),
        lock=lock_digest("relscale.stages.findings"),
        templates=page_specs.template_digest("findings"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.findings \
            --spec <(printf %s {params.spec:q}) \
            --relative {input.relative:q} \
            --suite {input.suite:q} \
            --families {input.families:q} \
            --forecast {input.forecast:q} \
            --scores {input.scores:q} \
            --decisions {input.decisions:q} \
            --representation {input.representation:q} \
            --link explorer.html provenance.html \
            --out-page {output.page:q} \
            --out-text {output.text:q}
        """


rule front:
    """Write the front page: question, answer, one figure and all verdicts, in one file."""
    input:
        relative=f"{RESULTS}/laws/relative.csv",
        suite=f"{RESULTS}/tables/suite.csv",
        families=f"{RESULTS}/laws/families.csv",
        forecast=f"{RESULTS}/laws/forecast.csv",
        scores=[f"{RESULTS}/laws/scores.csv"] if EXPERIMENT.registered_budgets else [],
        decisions=[f"{RESULTS}/tables/decisions.txt"] if EXPERIMENT.from_table else [],
        representation=page_specs.representation_table(EXPERIMENT, LAYOUT),
        figure=page_specs.front_figure(EXPERIMENT, LAYOUT),
    output:
        page=f"{RESULTS}/index.html",
    log:
        f"logs/{EXPERIMENT.name}/front.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/front.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(page_specs.front_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.front"),
        lock=lock_digest("relscale.stages.front"),
        templates=page_specs.template_digest("front"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.front \
            --spec <(printf %s {params.spec:q}) \
            --relative {input.relative:q} \
            --suite {input.suite:q} \
            --families {input.families:q} \
            --forecast {input.forecast:q} \
            --scores {input.scores:q} \
            --decisions {input.decisions:q} \
            --representation {input.representation:q} \
            --figure {input.figure:q} \
            --out {output.page:q}
        """


rule provenance:
    """Show where the numbers come from.

    It also reads the records of finished jobs, which are not inputs, and says if they are missing.
    """
    input:
        sources=f"{RESULTS}/tables/sources.csv",
        tables=[
            f"{RESULTS}/tables/suite.csv",
            *(f"{RESULTS}/tables/{table}.csv" for table in page_specs.corpora_tables(EXPERIMENT)),
            f"{RESULTS}/tables/losses.parquet",
            f"{RESULTS}/tables/items.parquet",
            *(f"{RESULTS}/laws/{table}.csv" for table in ["optima", *law_specs.LAW_TABLES]),
        ],
        citation=f"{OWN}CITATION.cff",
        drawn=[
            f"{RESULTS}/explorer.html",
            *(f"{RESULTS}/figures/{figure}.png" for figure in FIGURES),
        ],
    output:
        page=report(
            f"{RESULTS}/html/provenance.html",
            caption="../report/provenance.rst",
            category="5 Provenance",
            labels={"page": "provenance"},
        ),
    log:
        f"logs/{EXPERIMENT.name}/provenance.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/provenance.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(page_specs.provenance_spec(EXPERIMENT, LAYOUT))),
        own=f"benchmarks/results/{EXPERIMENT.name}",
        shared="benchmarks/results/shared",
        code=code_digest("relscale.stages.provenance"),
        lock=lock_digest("relscale.stages.provenance"),
        shown=versions_of(page_specs.SHOWN_PACKAGES),
        templates=page_specs.template_digest("provenance"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.provenance \
            --spec <(printf %s {params.spec:q}) \
            --sources {input.sources:q} \
            --table {input.sources:q} {input.tables:q} \
            --citation {input.citation:q} \
            --benchmarks {params.own:q} \
            --shared-benchmarks {params.shared:q} \
            --out {output.page:q}
        """
