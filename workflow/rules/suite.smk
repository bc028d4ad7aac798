"""The suite as a table with its bill, and the last check before anything is trained."""


rule suite:
    """Write the planned runs and what they cost."""
    output:
        table=f"{RESULTS}/tables/suite.csv",
        bill=f"{RESULTS}/tables/bill.txt",
    log:
        f"logs/{EXPERIMENT.experiment}/suite.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/suite.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=canonical_json(
            {
                "suite": dump(EXPERIMENT.suite),
                "vocab_size": EXPERIMENT.tokenizer.vocab_size,
                "costs": dump(EXPERIMENT.costs),
                **bill_of_jobs(),
            }
        ),
        code=code_digest("relscale.stages.suite"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.suite \
            --spec {params.spec:q} \
            --out {output.table:q} \
            --out-bill {output.bill:q}
        """


rule enough_tokens:
    """Check before any training that every corpus has the tokens that its runs need."""
    input:
        manifests=[tokens(corpus, "manifest.json") for corpus in EXPERIMENT.suite.corpora],
    output:
        checked=f"{RESULTS}/tables/enough_tokens.json",
    log:
        f"logs/{EXPERIMENT.experiment}/enough_tokens.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/enough_tokens.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=canonical_json(
            {"most_tokens": most_tokens(), "max_epochs": EXPERIMENT.suite.max_epochs}
        ),
        code=code_digest("relscale.stages.enough_tokens"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.enough_tokens \
            --spec {params.spec:q} \
            --manifest {input.manifests:q} \
            --out {output.checked:q}
        """


checkpoint preflight:
    """Check before any training that every domain has text, once every corpus has tokens."""
    input:
        tokens=f"{RESULTS}/tables/enough_tokens.json",
        families=list(
            dict.fromkeys(
                requests(family, corpus, "manifest.json")
                for family in FAMILIES
                for corpus in EXPERIMENT.suite.corpora
            )
        ),
    output:
        checked=f"{RESULTS}/tables/preflight.json",
    log:
        f"logs/{EXPERIMENT.experiment}/preflight.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/preflight.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.preflight"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.preflight \
            --tokens {input.tokens:q} \
            --family {input.families:q} \
            --out {output.checked:q}
        """
