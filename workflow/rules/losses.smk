"""Losses: gather the losses of all families into one table."""


rule losses:
    """Gather the losses and items of all families, which all later results are made from."""
    input:
        losses=[LAYOUT.family_table(family, "losses") for family in FAMILIES],
        per_item=[LAYOUT.family_table(family, "items") for family in FAMILIES],
    output:
        losses=f"{RESULTS}/tables/losses.parquet",
        csv=f"{RESULTS}/tables/losses.csv",
        per_item=f"{RESULTS}/tables/items.parquet",
    log:
        f"logs/{EXPERIMENT.name}/losses.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/losses.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.losses"),
        lock=lock_digest("relscale.stages.losses"),
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
