"""Corpora: documents out of sources, one tokenizer, token shards with a small manifest of sums."""


rule documents:
    """Read, clean, deduplicate, decontaminate and split the documents of one corpus."""
    input:
        sources=lambda wildcards: [
            source_manifest(name) for name in corpus_sources(CORPORA_BY_KEY[wildcards.corpus_key])
        ],
    output:
        train=f"{SHARED}/corpora/{{corpus_key}}/train.parquet",
        validation=f"{SHARED}/corpora/{{corpus_key}}/validation.parquet",
        report=f"{SHARED}/corpora/{{corpus_key}}/report.json",
    log:
        "logs/shared/documents/{corpus_key}.log",
    benchmark:
        "benchmarks/results/shared/documents/{corpus_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=3000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(corpus_spec(CORPORA_BY_KEY[wildcards.corpus_key])),
        sources=lambda wildcards: [
            f"{name}={source_manifest(name)}"
            for name in corpus_sources(CORPORA_BY_KEY[wildcards.corpus_key])
        ],
        code=code_digest("relscale.stages.documents"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.documents \
            --spec {params.spec:q} \
            --source {params.sources:q} \
            --out-train {output.train:q} \
            --out-validation {output.validation:q} \
            --out-report {output.report:q}
        """


if EXPERIMENT.tokenizer.given is None:

    rule tokenizer:
        """Train the byte-level BPE on equal bytes of the named corpora."""
        input:
            reports=[documents(corpus, "report.json") for corpus in EXPERIMENT.tokenizer.trained_on],
            train=[
                ancient(documents(corpus, "train.parquet"))
                for corpus in EXPERIMENT.tokenizer.trained_on
            ],
        output:
            tokenizer=TOKENIZER,
        log:
            f"logs/shared/tokenizer/{TOKENIZER_KEY}.log",
        benchmark:
            f"benchmarks/results/shared/tokenizer/{TOKENIZER_KEY}.jsonl"
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="30m",
        params:
            spec=canonical_json(TOKENIZER_SPEC),
            train=[
                f"{corpus}={documents(corpus, 'train.parquet')}"
                for corpus in EXPERIMENT.tokenizer.trained_on
            ],
            code=code_digest("relscale.stages.tokenizer"),
            lock=lock_digest(["tokenizers"]),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.tokenizer \
                --spec {params.spec:q} \
                --train {params.train:q} \
                --out {output.tokenizer:q}
            """

else:

    rule given_tokenizer:
        """Take the given tokenizer, and check that it can be used."""
        output:
            tokenizer=TOKENIZER,
            manifest=TOKENIZER_MANIFEST,
        log:
            f"logs/shared/tokenizer/{TOKENIZER_KEY}.log",
        benchmark:
            f"benchmarks/results/shared/tokenizer/{TOKENIZER_KEY}.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="30m",
        params:
            spec=canonical_json(TOKENIZER_SPEC),
            listing=given_listing(),
            code=code_digest("relscale.stages.given_tokenizer"),
            lock=lock_digest(["tokenizers"]),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.given_tokenizer \
                --spec {params.spec:q} \
                --listing={params.listing:q} \
                --out {output.tokenizer:q} \
                --manifest {output.manifest:q}
            """


rule shards:
    """Turn one corpus into memory-mapped tokens and a manifest of their sums."""
    input:
        tokenizer=TOKENIZER,
        report=f"{SHARED}/corpora/{{corpus_key}}/report.json",
        train=ancient(f"{SHARED}/corpora/{{corpus_key}}/train.parquet"),
        validation=ancient(f"{SHARED}/corpora/{{corpus_key}}/validation.parquet"),
    output:
        train=f"{SHARED}/corpora/{{corpus_key}}/tokens-{TOKENIZER_KEY}/train.bin",
        validation=f"{SHARED}/corpora/{{corpus_key}}/tokens-{TOKENIZER_KEY}/validation.bin",
        manifest=f"{SHARED}/corpora/{{corpus_key}}/tokens-{TOKENIZER_KEY}/manifest.json",
    log:
        f"logs/shared/shards/{{corpus_key}}-{TOKENIZER_KEY}.log",
    benchmark:
        f"benchmarks/results/shared/shards/{{corpus_key}}-{TOKENIZER_KEY}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json({"corpus": CORPORA_BY_KEY[wildcards.corpus_key]}),
        code=code_digest("relscale.stages.shards"),
        lock=lock_digest(["tokenizers"]),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.shards \
            --spec {params.spec:q} \
            --tokenizer {input.tokenizer:q} \
            --train {input.train:q} \
            --validation {input.validation:q} \
            --report {input.report:q} \
            --out-train {output.train:q} \
            --out-validation {output.validation:q} \
            --manifest {output.manifest:q}
        """


rule corpora_table:
    """Count documents, bytes, tokens and what was removed, by corpus and component."""
    input:
        manifests=[tokens(corpus, "manifest.json") for corpus in EXPERIMENT.suite.corpora],
    output:
        table=f"{RESULTS}/tables/corpora.csv",
    log:
        f"logs/{EXPERIMENT.experiment}/corpora_table.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/corpora_table.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.corpora_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.corpora_table \
            --manifest {input.manifests:q} \
            --out {output.table:q}
        """
