"""Evaluation: requests from a family's text, then one scoring job per IsoFLOP curve."""


rule family:
    """Turn one family's text into tokenized requests."""
    input:
        tokenizer=LAYOUT.tokenizer,
        text=lambda wildcards: LAYOUT.request_texts(wildcards.requests_key),
    output:
        requests=f"{SHARED}/families/{{requests_key}}/requests.parquet",
        manifest=f"{SHARED}/families/{{requests_key}}/manifest.json",
    log:
        "logs/shared/family/{requests_key}.log",
    benchmark:
        "benchmarks/results/shared/family/{requests_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=lambda wildcards: SCHEDULING.requests(wildcards.requests_key).mem_mb,
        runtime=lambda wildcards: SCHEDULING.requests(wildcards.requests_key).runtime,
    params:
        spec=lambda wildcards: canonical_json(
            evaluation_specs.family_spec(
                EXPERIMENT, *LAYOUT.requests_of_key[wildcards.requests_key]
            )
        ),
        text=lambda wildcards, input: evaluation_specs.text_options(
            family_kinds.text_option(
                EXPERIMENT.family(LAYOUT.requests_of_key[wildcards.requests_key][0])
            ),
            input.text,
        ),
        code=code_digest("relscale.stages.family"),
        lock=lock_digest("relscale.stages.family"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.family \
            --spec <(printf %s {params.spec:q}) \
            --tokenizer {input.tokenizer:q} \
            {params.text:q} \
            --out {output.requests:q} \
            --manifest {output.manifest:q}
        """


rule overlap:
    """Find the items of a family in a corpus from which the family's text was not removed."""
    input:
        requests=lambda wildcards: LAYOUT.requests(
            wildcards.family, wildcards.corpus, "requests.parquet"
        ),
        train=lambda wildcards: ancient(LAYOUT.documents(wildcards.corpus, "train.parquet")),
        report=lambda wildcards: LAYOUT.documents(wildcards.corpus, "report.json"),
    output:
        overlaps=f"{RESULTS}/evaluations/{{family}}/overlaps-{{corpus}}.json",
    log:
        f"logs/{EXPERIMENT.name}/overlap/{{family}}-{{corpus}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/overlap/{{family}}-{{corpus}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        spec=verbatim(canonical_json(evaluation_specs.overlap_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.overlap"),
        lock=lock_digest("relscale.stages.overlap"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.overlap \
            --spec <(printf %s {params.spec:q}) \
            --requests {input.requests:q} \
            --train {input.train:q} \
            --out {output.overlaps:q}
        """


rule word_counts:
    """Count the words of a corpus's training documents."""
    input:
        train=ancient(f"{SHARED}/corpora/{{corpus_key}}/train.parquet"),
        report=f"{SHARED}/corpora/{{corpus_key}}/report.json",
    output:
        words=f"{SHARED}/corpora/{{corpus_key}}/words.parquet",
    log:
        "logs/shared/word_counts/{corpus_key}.log",
    benchmark:
        "benchmarks/results/shared/word_counts/{corpus_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        code=code_digest("relscale.stages.word_counts"),
        lock=lock_digest("relscale.stages.word_counts"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.word_counts \
            --train {input.train:q} \
            --out {output.words:q}
        """


rule token_bytes:
    """Find the bytes of a family's scored tokens, and their classes by words of a corpus."""
    input:
        manifest=lambda wildcards: LAYOUT.requests(
            wildcards.family, wildcards.corpus, "manifest.json"
        ),
        requests=lambda wildcards: ancient(
            LAYOUT.requests(wildcards.family, wildcards.corpus, "requests.parquet")
        ),
        tokenizer=LAYOUT.tokenizer,
        words=lambda wildcards: LAYOUT.word_counts(wildcards.corpus),
    output:
        token_bytes=f"{RESULTS}/evaluations/{{family}}/bytes-{{corpus}}.parquet",
    log:
        f"logs/{EXPERIMENT.name}/token_bytes/{{family}}-{{corpus}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/token_bytes/{{family}}-{{corpus}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        words=lambda wildcards, input: ["--words", *input.words] if input.words else [],
        code=code_digest("relscale.stages.token_bytes"),
        lock=lock_digest("relscale.stages.token_bytes"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.token_bytes \
            --requests {input.requests:q} \
            --tokenizer {input.tokenizer:q} \
            {params.words:q} \
            --out {output.token_bytes:q}
        """


rule evaluate:
    """Score the runs of one IsoFLOP curve on one family, one after the other."""
    input:
        manifest=lambda wildcards: LAYOUT.requests(
            wildcards.family, wildcards.corpus, "manifest.json"
        ),
        requests=lambda wildcards: ancient(
            LAYOUT.requests(wildcards.family, wildcards.corpus, "requests.parquet")
        ),
        records=lambda wildcards: LAYOUT.curve_runs(
            wildcards.corpus, wildcards.budget, "record.json"
        ),
        models=lambda wildcards: LAYOUT.curve_runs(wildcards.corpus, wildcards.budget, "model"),
        overlaps=lambda wildcards: LAYOUT.overlaps(wildcards.family, wildcards.corpus),
        token_bytes=lambda wildcards: LAYOUT.token_bytes(wildcards.family, wildcards.corpus),
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-items.parquet",
        buckets=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-buckets.parquet",
        positions=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-positions.parquet",
    log:
        f"logs/{EXPERIMENT.name}/evaluate/{{family}}-{{corpus}}-{{budget}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/evaluate/{{family}}-{{corpus}}-{{budget}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=lambda wildcards: evaluation_resources(wildcards).gpu,
        mem_mb=lambda wildcards: evaluation_resources(wildcards).mem_mb,
        gpu_mem_mb=lambda wildcards: evaluation_resources(wildcards).gpu_mem_mb,
        runtime=lambda wildcards: evaluation_resources(wildcards).runtime,
        cpus_per_task=lambda wildcards: evaluation_resources(wildcards).cpus_per_task,
        nodes=lambda wildcards: evaluation_resources(wildcards).nodes,
    params:
        spec=lambda wildcards: canonical_json(
            evaluation_specs.evaluation_spec(EXPERIMENT, wildcards.family, wildcards.corpus)
        ),
        overlaps=lambda wildcards, input: ["--overlaps", *input.overlaps] if input.overlaps else [],
        token_bytes=lambda wildcards, input: (
            ["--token-bytes", *input.token_bytes] if input.token_bytes else []
        ),
        score_cache=f"{SHARED}/checkpoints",
        code=code_digest("relscale.stages.evaluate"),
        lock=lock_digest("relscale.stages.evaluate"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.evaluate \
            --spec <(printf %s {params.spec:q}) \
            --requests {input.requests:q} \
            --record {input.records:q} \
            {params.overlaps:q} \
            {params.token_bytes:q} \
            --score-cache {params.score_cache:q} \
            --defined-by {params.code:q} {params.lock:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q} \
            --out-buckets {output.buckets:q} \
            --out-positions {output.positions:q}
        """
