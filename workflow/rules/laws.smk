"""Laws: the compute-optimal points of the suite, then the laws of each family."""


rule optima:
    """Find the compute-optimal point of every corpus and budget."""
    input:
        losses=f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet",
    output:
        table=f"{RESULTS}/laws/optima.csv",
    log:
        f"logs/{EXPERIMENT.name}/optima.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/optima.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        spec=verbatim(canonical_json(law_specs.optima_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.optima"),
        lock=lock_digest("relscale.stages.optima"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.optima \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --out {output.table:q}
        """


rule laws:
    """Fit the laws of one family."""
    input:
        losses=f"{RESULTS}/evaluations/{{family}}/losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/items.parquet",
        optimum_losses=(
            f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet"
        ),
        outside_models=lambda wildcards: law_specs.outside_models(EXPERIMENT, wildcards.family),
        buckets=lambda wildcards: LAYOUT.part_sums(wildcards.family, "buckets"),
        positions=lambda wildcards: LAYOUT.part_sums(wildcards.family, "positions"),
    output:
        tables=[f"{RESULTS}/laws/{{family}}/{table}.csv" for table in law_specs.LAW_TABLES],
    log:
        f"logs/{EXPERIMENT.name}/laws/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/laws/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(law_specs.law_spec(EXPERIMENT, wildcards.family)),
        code=code_digest("relscale.stages.laws"),
        lock=lock_digest("relscale.stages.laws"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.laws \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --optimum-losses {input.optimum_losses:q} \
            --outside-models {input.outside_models:q} \
            --buckets {input.buckets:q} \
            --positions {input.positions:q} \
            --out {output.tables:q}
        """


rule law_table:
    """Gather one table of laws over all families."""
    input:
        tables=[f"{RESULTS}/laws/{family}/{{law_table}}.csv" for family in FAMILIES],
    output:
        table=f"{RESULTS}/laws/{{law_table}}.csv",
    log:
        f"logs/{EXPERIMENT.name}/law_table/{{law_table}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/law_table/{{law_table}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.gather"),
        lock=lock_digest("relscale.stages.gather"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.gather \
            --kind {wildcards.law_table:q} \
            --table {input.tables:q} \
            --out {output.table:q}
        """


rule prompts:
    """Compare the prompts of the families of questions."""
    input:
        losses=[
            f"{RESULTS}/evaluations/{family}/losses.parquet"
            for family in law_specs.prompt_families(EXPERIMENT)
        ],
    output:
        table=f"{RESULTS}/laws/prompts.csv",
    log:
        f"logs/{EXPERIMENT.name}/prompts.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/prompts.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(law_specs.prompts_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.prompts"),
        lock=lock_digest("relscale.stages.prompts"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.prompts \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --out {output.table:q}
        """


rule conditions:
    """Fit the laws of training conditions to a corpus and its arms."""
    input:
        losses=f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet",
        suite=f"{RESULTS}/tables/suite.csv",
    output:
        table=f"{RESULTS}/laws/conditions.csv",
    log:
        f"logs/{EXPERIMENT.name}/conditions.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/conditions.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        spec=verbatim(canonical_json(law_specs.conditions_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.conditions"),
        lock=lock_digest("relscale.stages.conditions"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.conditions \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --suite {input.suite:q} \
            --out {output.table:q}
        """


rule forecast_curves:
    """Predict the end of every training curve from its beginning."""
    input:
        curves=f"{RESULTS}/tables/curves.csv",
        suite=f"{RESULTS}/tables/suite.csv",
    output:
        table=f"{RESULTS}/laws/curve_forecasts.csv",
    log:
        f"logs/{EXPERIMENT.name}/forecast_curves.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/forecast_curves.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        spec=verbatim(canonical_json(law_specs.curve_forecasts_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.curve_forecasts"),
        lock=lock_digest("relscale.stages.curve_forecasts"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.curve_forecasts \
            --spec <(printf %s {params.spec:q}) \
            --curves {input.curves:q} \
            --suite {input.suite:q} \
            --out {output.table:q}
        """


rule correlation:
    """Correlate the slopes of the language family with a covariate of its domains."""
    input:
        relative=f"{RESULTS}/laws/language/relative.csv",
        covariates=f"{OWN}workflow/reference/{EXPERIMENT.settings.figures.covariates}",
    output:
        table=f"{RESULTS}/laws/correlation.csv",
    log:
        f"logs/{EXPERIMENT.name}/correlation.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/correlation.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(law_specs.correlation_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.correlation"),
        lock=lock_digest("relscale.stages.correlation"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.correlation \
            --spec <(printf %s {params.spec:q}) \
            --relative {input.relative:q} \
            --covariates {input.covariates:q} \
            --out {output.table:q}
        """


rule representation_law:
    """Compare gaps between corpora that differ in the shares of two domains' text."""
    input:
        losses=lambda wildcards: LAYOUT.family_table(
            law_specs.representation_family(EXPERIMENT), "losses"
        ),
        per_item=lambda wildcards: LAYOUT.family_table(
            law_specs.representation_family(EXPERIMENT), "items"
        ),
        optimum_losses=(
            f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet"
        ),
    output:
        table=f"{RESULTS}/laws/representation.csv",
    log:
        f"logs/{EXPERIMENT.name}/representation_law.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/representation_law.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        spec=lambda wildcards: canonical_json(law_specs.representation_spec(EXPERIMENT)),
        code=code_digest("relscale.stages.representation_law"),
        lock=lock_digest("relscale.stages.representation_law"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.representation_law \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --optimum-losses {input.optimum_losses:q} \
            --out {output.table:q}
        """


rule compare_suites:
    """Compare the suites of two corpora on the domains of all families, at the same compute."""
    input:
        losses=[
            f"{RESULTS}/evaluations/{family}/losses.parquet"
            for family in law_specs.contrasted_families(EXPERIMENT)
        ],
        per_item=[
            f"{RESULTS}/evaluations/{family}/items.parquet"
            for family in law_specs.contrasted_families(EXPERIMENT)
        ],
        optimum_losses=(
            f"{RESULTS}/evaluations/{EXPERIMENT.settings.laws.optimum_by}/losses.parquet"
        ),
    output:
        laws=f"{RESULTS}/laws/suite_contrasts.csv",
        points=f"{RESULTS}/laws/suite_contrast_points.csv",
    log:
        f"logs/{EXPERIMENT.name}/compare_suites.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/compare_suites.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        spec=verbatim(canonical_json(law_specs.suite_contrasts_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.compare_suites"),
        lock=lock_digest("relscale.stages.compare_suites"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.compare_suites \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --optimum-losses {input.optimum_losses:q} \
            --out-laws {output.laws:q} \
            --out-points {output.points:q}
        """


if law_specs.frontiers(EXPERIMENT):

    rule tuned:
        """Fit relative laws on tuned frontiers, next to those of the default settings."""
        input:
            losses=f"{RESULTS}/tables/losses.parquet",
            per_item=f"{RESULTS}/tables/items.parquet",
        output:
            laws=f"{RESULTS}/laws/tuned.csv",
            sizes=f"{RESULTS}/laws/tuned_sizes.csv",
        log:
            f"logs/{EXPERIMENT.name}/tuned.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/tuned.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="60m",
        params:
            spec=verbatim(canonical_json(law_specs.tuned_spec(EXPERIMENT))),
            code=code_digest("relscale.stages.tuned"),
            lock=lock_digest("relscale.stages.tuned"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.tuned \
                --spec <(printf %s {params.spec:q}) \
                --losses {input.losses:q} \
                --items {input.per_item:q} \
                --out-laws {output.laws:q} \
                --out-sizes {output.sizes:q}
            """
