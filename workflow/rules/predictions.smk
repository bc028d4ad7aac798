"""Predictions of the largest budgets, made from those below them, and their scores."""


rule register:
    """Predict the runs of the largest budgets on one family, before they are scored."""
    input:
        losses=lambda wildcards: LAYOUT.evaluations_below(wildcards.family, "losses"),
        per_item=lambda wildcards: LAYOUT.evaluations_below(wildcards.family, "items"),
        optimum_losses=LAYOUT.evaluations_below(EXPERIMENT.settings.laws.optimum_by, "losses"),
    output:
        registers=LAYOUT.registers("{family}"),
    log:
        f"logs/{EXPERIMENT.name}/register/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/register/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(law_specs.predict_spec(EXPERIMENT, wildcards.family)),
        code=code_digest("relscale.stages.register"),
        lock=lock_digest("relscale.stages.register"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.register \
            --spec <(printf %s {params.spec:q}) \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --optimum-losses {input.optimum_losses:q} \
            --out {output.registers:q}
        """


rule scores:
    """Score the registered predictions once the largest budgets are evaluated."""
    input:
        registers=[path for family in FAMILIES for path in LAYOUT.registers(family)],
        losses=f"{RESULTS}/tables/losses.parquet",
        per_item=f"{RESULTS}/tables/items.parquet",
    output:
        table=f"{RESULTS}/laws/scores.csv",
    log:
        f"logs/{EXPERIMENT.name}/scores.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/scores.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.scores"),
        lock=lock_digest("relscale.stages.scores"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.scores \
            --register {input.registers:q} \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --out {output.table:q}
        """
