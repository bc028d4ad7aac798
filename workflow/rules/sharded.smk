"""Corpora of any size: a plan of each component's shards, a job a shard, one manifest for a corpus."""


rule shard_plan:
    """List the files of a component and deal them to its shards."""
    output:
        plan=f"{SHARED}/components/{{component_key}}/plan.json",
    log:
        "logs/shared/shard_plan/{component_key}.log",
    benchmark:
        "benchmarks/results/shared/shard_plan/{component_key}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(
            component_spec(*COMPONENTS_BY_KEY[wildcards.component_key])
        ),
        listing=lambda wildcards: component_listing(wildcards.component_key),
        code=code_digest("relscale.stages.shard_plan"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.shard_plan \
            --spec {params.spec:q} \
            --listing={params.listing:q} \
            --out {output.plan:q}
        """


rule shard:
    """Turn the files of one shard into tokens; one that was stopped goes on."""
    input:
        plan=f"{SHARED}/components/{{component_key}}/plan.json",
        tokenizer=TOKENIZER,
        sources=lambda wildcards: [
            source_manifest(name) for name in decontamination_sources(wildcards)
        ],
    output:
        tokens=f"{SHARED}/components/{{component_key}}/{{shard}}.bin",
        validation=f"{SHARED}/components/{{component_key}}/{{shard}}.parquet",
        record=f"{SHARED}/components/{{component_key}}/{{shard}}.json",
    log:
        "logs/shared/shard/{component_key}-{shard}.log",
    benchmark:
        "benchmarks/results/shared/shard/{component_key}-{shard}.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=shard_runtime,
    params:
        spec=lambda wildcards: canonical_json(
            component_spec(*COMPONENTS_BY_KEY[wildcards.component_key])
        ),
        sources=lambda wildcards: [
            f"{name}={source_manifest(name)}" for name in decontamination_sources(wildcards)
        ],
        code=code_digest("relscale.stages.shard"),
        lock=lock_digest(["tokenizers"]),
        checkpoints=f"{SHARED}/checkpoints",
    shell:
        """
        exec &> >(tee {log:q})
        export RAYON_NUM_THREADS={threads} TOKENIZERS_PARALLELISM=true
        python -m relscale.stages.shard \
            --spec {params.spec:q} \
            --plan {input.plan:q} \
            --shard {wildcards.shard:q} \
            --tokenizer {input.tokenizer:q} \
            --source {params.sources:q} \
            --checkpoints {params.checkpoints:q} \
            --defined-by {params.code:q} {params.lock:q} \
            --out-tokens {output.tokens:q} \
            --out-validation {output.validation:q} \
            --out-record {output.record:q}
        """


rule sharded_corpus:
    """Gather the shards of a corpus: a manifest with weights and sums, and the held-out documents by weight."""
    input:
        records=lambda wildcards: shard_files(SHARDED_BY_KEY[wildcards.sharded_key], "json"),
        validation=lambda wildcards: ancient(
            shard_files(SHARDED_BY_KEY[wildcards.sharded_key], "parquet")
        ),
        tokens=lambda wildcards: ancient(shard_files(SHARDED_BY_KEY[wildcards.sharded_key], "bin")),
    output:
        validation=f"{SHARED}/corpora/{{sharded_key}}/tokens-{TOKENIZER_KEY}/validation.parquet",
        manifest=f"{SHARED}/corpora/{{sharded_key}}/tokens-{TOKENIZER_KEY}/manifest.json",
    log:
        f"logs/shared/sharded_corpus/{{sharded_key}}-{TOKENIZER_KEY}.log",
    benchmark:
        f"benchmarks/results/shared/sharded_corpus/{{sharded_key}}-{TOKENIZER_KEY}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="2h",
    params:
        spec=lambda wildcards: canonical_json(sharded_spec(SHARDED_BY_KEY[wildcards.sharded_key])),
        components=lambda wildcards: sharded_folders(SHARDED_BY_KEY[wildcards.sharded_key]),
        code=code_digest("relscale.stages.sharded_corpus"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.sharded_corpus \
            --spec {params.spec:q} \
            --component {params.components:q} \
            --out-validation {output.validation:q} \
            --manifest {output.manifest:q}
        """
