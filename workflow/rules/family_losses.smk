"""Losses of a family: gather the evaluations of its IsoFLOP curves into one table."""


rule family_losses:
    """Gather the losses and items of one family over all runs."""
    input:
        losses=lambda wildcards: LAYOUT.evaluations(wildcards.family, "losses"),
        per_item=lambda wildcards: LAYOUT.evaluations(wildcards.family, "items"),
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/items.parquet",
    log:
        f"logs/{EXPERIMENT.name}/family_losses/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/family_losses/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
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
            --out-items {output.per_item:q}
        """
