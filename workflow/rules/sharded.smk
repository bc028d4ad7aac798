"""Corpora of any size: one plan per component, one job per shard, one manifest per corpus."""


rule shard_plan:
    """List the files of a component and assign them to its shards."""
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
            text_specs.component_spec(
                EXPERIMENT, *LAYOUT.component_of_key[wildcards.component_key]
            )
        ),
        listing=lambda wildcards: LISTINGS.of_component(wildcards.component_key),
        code=code_digest("relscale.stages.shard_plan"),
        lock=lock_digest("relscale.stages.shard_plan"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.shard_plan \
            --spec <(printf %s {params.spec:q}) \
            --listing={params.listing:q} \
            --out {output.plan:q}
        """


rule shard:
    """Tokenize the files of one shard; a job that was killed is resumed."""
    input:
        plan=f"{SHARED}/components/{{component_key}}/plan.json",
        tokenizer=LAYOUT.tokenizer,
        sources=lambda wildcards: LAYOUT.corpus_manifests(
            LAYOUT.component_of_key[wildcards.component_key][0]
        ),
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
        runtime=lambda wildcards: SCHEDULING.shard_minutes(wildcards.component_key),
    params:
        spec=lambda wildcards: canonical_json(
            text_specs.component_spec(
                EXPERIMENT, *LAYOUT.component_of_key[wildcards.component_key]
            )
        ),
        sources=lambda wildcards: LAYOUT.source_options(
            LAYOUT.component_of_key[wildcards.component_key][0]
        ),
        code=code_digest("relscale.stages.shard"),
        lock=lock_digest("relscale.stages.shard"),
        checkpoints=f"{SHARED}/checkpoints",
    shell:
        """
        exec &> >(tee {log:q})
        export RAYON_NUM_THREADS={threads} TOKENIZERS_PARALLELISM=true
        python -m relscale.stages.shard \
            --spec <(printf %s {params.spec:q}) \
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
    """Gather the shards of a corpus: manifest with weights and checksums, held-out documents."""
    input:
        records=lambda wildcards: LAYOUT.shard_files(
            LAYOUT.sharded_of_key[wildcards.sharded_key], "json"
        ),
        validation=lambda wildcards: ancient(
            LAYOUT.shard_files(LAYOUT.sharded_of_key[wildcards.sharded_key], "parquet")
        ),
        tokens=lambda wildcards: ancient(
            LAYOUT.shard_files(LAYOUT.sharded_of_key[wildcards.sharded_key], "bin")
        ),
    output:
        validation=f"{SHARED}/corpora/{{sharded_key}}/tokens-{LAYOUT.tokenizer_key}/validation.parquet",
        manifest=f"{SHARED}/corpora/{{sharded_key}}/tokens-{LAYOUT.tokenizer_key}/manifest.json",
    log:
        f"logs/shared/sharded_corpus/{{sharded_key}}-{LAYOUT.tokenizer_key}.log",
    benchmark:
        f"benchmarks/results/shared/sharded_corpus/{{sharded_key}}-{LAYOUT.tokenizer_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="2h",
    params:
        spec=lambda wildcards: canonical_json(
            text_specs.sharded_spec(EXPERIMENT, LAYOUT.sharded_of_key[wildcards.sharded_key])
        ),
        components=lambda wildcards: LAYOUT.component_options(
            LAYOUT.sharded_of_key[wildcards.sharded_key]
        ),
        code=code_digest("relscale.stages.sharded_corpus"),
        lock=lock_digest("relscale.stages.sharded_corpus"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.sharded_corpus \
            --spec <(printf %s {params.spec:q}) \
            --component {params.components:q} \
            --out-validation {output.validation:q} \
            --manifest {output.manifest:q}
        """
