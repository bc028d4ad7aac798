"""The suite: its table and bill, and the last check before training."""


rule suite:
    """Write the planned runs and their costs."""
    output:
        table=f"{RESULTS}/tables/suite.csv",
        bill=f"{RESULTS}/tables/bill.txt",
    log:
        f"logs/{EXPERIMENT.name}/suite.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/suite.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(
            canonical_json(suite_specs.suite_spec(EXPERIMENT, SCHEDULING.tokens_to_score))
        ),
        code=code_digest("relscale.stages.suite"),
        lock=lock_digest("relscale.stages.suite"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.suite \
            --spec <(printf %s {params.spec:q}) \
            --out {output.table:q} \
            --out-bill {output.bill:q}
        """


rule enough_tokens:
    """Check before any training that every corpus has enough tokens for its runs."""
    input:
        manifests=LAYOUT.token_manifests,
    output:
        checked=f"{RESULTS}/tables/enough_tokens.json",
    log:
        f"logs/{EXPERIMENT.name}/enough_tokens.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/enough_tokens.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(canonical_json(suite_specs.enough_tokens_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.enough_tokens"),
        lock=lock_digest("relscale.stages.enough_tokens"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.enough_tokens \
            --spec <(printf %s {params.spec:q}) \
            --manifest {input.manifests:q} \
            --out {output.checked:q}
        """


checkpoint preflight:
    """Check before any training that every domain has text; runs after `enough_tokens`."""
    input:
        tokens=f"{RESULTS}/tables/enough_tokens.json",
        families=LAYOUT.request_manifests,
    output:
        checked=f"{RESULTS}/tables/preflight.json",
    log:
        f"logs/{EXPERIMENT.name}/preflight.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/preflight.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.preflight"),
        lock=lock_digest("relscale.stages.preflight"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.preflight \
            --tokens {input.tokens:q} \
            --family {input.families:q} \
            --out {output.checked:q}
        """
