"""Losses: the evaluations of a family, then of all families, gathered into one table."""


rule family_losses:
    """Gather the losses and items of one family over all runs."""
    input:
        losses=lambda wildcards: evaluation_files(wildcards.family, "losses"),
        per_item=lambda wildcards: evaluation_files(wildcards.family, "items"),
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/items.parquet",
    log:
        f"logs/{EXPERIMENT.experiment}/family_losses/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/family_losses/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.losses"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.losses \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q}
        """


rule losses:
    """Gather the losses and items of all families: what everything after it is made from."""
    input:
        losses=[f"{RESULTS}/evaluations/{family}/losses.parquet" for family in FAMILIES],
        per_item=[f"{RESULTS}/evaluations/{family}/items.parquet" for family in FAMILIES],
    output:
        losses=f"{RESULTS}/tables/losses.parquet",
        csv=f"{RESULTS}/tables/losses.csv",
        per_item=f"{RESULTS}/tables/items.parquet",
    log:
        f"logs/{EXPERIMENT.experiment}/losses.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/losses.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.losses"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.losses \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --out-losses {output.losses:q} \
            --out-csv {output.csv:q} \
            --out-items {output.per_item:q}
        """
