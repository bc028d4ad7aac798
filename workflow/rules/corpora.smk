"""Corpora: documents from sources, one tokenizer, and tokens with a manifest of checksums."""


rule documents:
    """Read, clean, deduplicate, decontaminate and split the documents of one corpus."""
    input:
        sources=lambda wildcards: LAYOUT.corpus_manifests(
            LAYOUT.corpus_of_key[wildcards.corpus_key]
        ),
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
        spec=lambda wildcards: canonical_json(
            text_specs.corpus_spec(EXPERIMENT, LAYOUT.corpus_of_key[wildcards.corpus_key])
        ),
        sources=lambda wildcards: LAYOUT.source_options(LAYOUT.corpus_of_key[wildcards.corpus_key]),
        code=code_digest("relscale.stages.documents"),
        lock=lock_digest("relscale.stages.documents"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.documents \
            --spec <(printf %s {params.spec:q}) \
            --source {params.sources:q} \
            --out-train {output.train:q} \
            --out-validation {output.validation:q} \
            --out-report {output.report:q}
        """


if EXPERIMENT.settings.tokenizer.given is None:

    rule tokenizer:
        """Train a byte-level BPE on the same number of bytes of each named corpus."""
        input:
            reports=[
                LAYOUT.documents(corpus, "report.json")
                for corpus in EXPERIMENT.settings.tokenizer.trained_on
            ],
            train=[
                ancient(LAYOUT.documents(corpus, "train.parquet"))
                for corpus in EXPERIMENT.settings.tokenizer.trained_on
            ],
        output:
            tokenizer=LAYOUT.tokenizer,
        log:
            f"logs/shared/tokenizer/{LAYOUT.tokenizer_key}.log",
        benchmark:
            f"benchmarks/results/shared/tokenizer/{LAYOUT.tokenizer_key}.jsonl"
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="30m",
        params:
            spec=verbatim(canonical_json(text_specs.tokenizer_spec(EXPERIMENT))),
            train=[
                f"{corpus}={LAYOUT.documents(corpus, 'train.parquet')}"
                for corpus in EXPERIMENT.settings.tokenizer.trained_on
            ],
            code=code_digest("relscale.stages.tokenizer"),
            lock=lock_digest("relscale.stages.tokenizer"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.tokenizer \
                --spec <(printf %s {params.spec:q}) \
                --train {params.train:q} \
                --out {output.tokenizer:q}
            """

else:

    rule given_tokenizer:
        """Copy the given tokenizer after checking that it can be used."""
        output:
            tokenizer=LAYOUT.tokenizer,
            manifest=LAYOUT.tokenizer_manifest,
        log:
            f"logs/shared/tokenizer/{LAYOUT.tokenizer_key}.log",
        benchmark:
            f"benchmarks/results/shared/tokenizer/{LAYOUT.tokenizer_key}.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="30m",
        params:
            spec=verbatim(canonical_json(text_specs.tokenizer_spec(EXPERIMENT))),
            listing=LISTINGS.of_tokenizer(),
            code=code_digest("relscale.stages.given_tokenizer"),
            lock=lock_digest("relscale.stages.given_tokenizer"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.given_tokenizer \
                --spec <(printf %s {params.spec:q}) \
                --listing={params.listing:q} \
                --out {output.tokenizer:q} \
                --manifest {output.manifest:q}
            """


rule shards:
    """Tokenize one corpus into memory-mapped files with a manifest of checksums."""
    input:
        tokenizer=LAYOUT.tokenizer,
        report=f"{SHARED}/corpora/{{corpus_key}}/report.json",
        train=ancient(f"{SHARED}/corpora/{{corpus_key}}/train.parquet"),
        validation=ancient(f"{SHARED}/corpora/{{corpus_key}}/validation.parquet"),
    output:
        train=f"{SHARED}/corpora/{{corpus_key}}/tokens-{LAYOUT.tokenizer_key}/train.bin",
        validation=f"{SHARED}/corpora/{{corpus_key}}/tokens-{LAYOUT.tokenizer_key}/validation.bin",
        manifest=f"{SHARED}/corpora/{{corpus_key}}/tokens-{LAYOUT.tokenizer_key}/manifest.json",
    log:
        f"logs/shared/shards/{{corpus_key}}-{LAYOUT.tokenizer_key}.log",
    benchmark:
        f"benchmarks/results/shared/shards/{{corpus_key}}-{LAYOUT.tokenizer_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(
            text_specs.tokens_spec(LAYOUT.corpus_of_key[wildcards.corpus_key])
        ),
        code=code_digest("relscale.stages.shards"),
        lock=lock_digest("relscale.stages.shards"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.shards \
            --spec <(printf %s {params.spec:q}) \
            --tokenizer {input.tokenizer:q} \
            --train {input.train:q} \
            --validation {input.validation:q} \
            --report {input.report:q} \
            --out-train {output.train:q} \
            --out-validation {output.validation:q} \
            --manifest {output.manifest:q}
        """


rule corpora_table:
    """Count documents, bytes, tokens and removed documents by corpus and component."""
    input:
        manifests=LAYOUT.token_manifests,
    output:
        table=f"{RESULTS}/tables/corpora.csv",
    log:
        f"logs/{EXPERIMENT.name}/corpora_table.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/corpora_table.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.corpora_table"),
        lock=lock_digest("relscale.stages.corpora_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.corpora_table \
            --manifest {input.manifests:q} \
            --out {output.table:q}
        """
