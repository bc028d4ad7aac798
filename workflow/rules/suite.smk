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


rule preflight:
    """Check before any training that every corpus has the tokens its runs need, and every domain has text."""
    input:
        manifests=[tokens(corpus, "manifest.json") for corpus in EXPERIMENT.suite.corpora],
        families=list(
            dict.fromkeys(requests(family, corpus, "manifest.json") for family in FAMILIES for corpus in EXPERIMENT.suite.corpora)
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
        spec=canonical_json({"most_tokens": most_tokens(), "max_epochs": EXPERIMENT.suite.max_epochs}),
        code=code_digest("relscale.stages.preflight"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.preflight \
            --spec {params.spec:q} \
            --manifest {input.manifests:q} \
            --family {input.families:q} \
            --out {output.checked:q}
        """
