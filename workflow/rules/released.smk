"""Released models: their table, a family's texts, and one job that scores an IsoFLOP curve on a family."""


rule released_models:
    """Check that every released model can be used, and write the suite as a table."""
    input:
        configs=sorted(
            {
                name
                for row in PLANNED
                for name in model_files(row.model, EXPERIMENT.released.folder)
                if name.endswith("/config.json")
            }
        ),
    output:
        table=f"{RESULTS}/tables/suite.csv",
        bill=f"{RESULTS}/tables/bill.txt",
    log:
        f"logs/{EXPERIMENT.experiment}/released_models.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/released_models.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        spec=canonical_json(
            {
                "models": [dump(row) for row in PLANNED],
                "folder": EXPERIMENT.released.folder,
            }
        ),
        code=code_digest("relscale.stages.released_models"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.released_models \
            --spec {params.spec:q} \
            --out {output.table:q} \
            --out-bill {output.bill:q}
        """


rule texts:
    """Turn one family's files into the texts that every released model is scored on."""
    input:
        sources=lambda wildcards: [
            source_manifest(name) for name in family_sources(TEXTS_BY_KEY[wildcards.texts_key])
        ],
    output:
        texts=f"{SHARED}/texts/{{texts_key}}/texts.parquet",
        manifest=f"{SHARED}/texts/{{texts_key}}/manifest.json",
    log:
        "logs/shared/texts/{texts_key}.log",
    benchmark:
        "benchmarks/results/shared/texts/{texts_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(texts_spec(TEXTS_BY_KEY[wildcards.texts_key])),
        sources=lambda wildcards, input: text_options("texts", input.sources),
        code=code_digest("relscale.stages.texts"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.texts \
            --spec {params.spec:q} \
            {params.sources:q} \
            --out {output.texts:q} \
            --manifest {output.manifest:q}
        """


checkpoint preflight:
    """Check before any scoring that every domain has text, once every released model is found good."""
    input:
        suite=f"{RESULTS}/tables/suite.csv",
        families=[texts(family, "manifest.json") for family in FAMILIES],
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
            --family {input.families:q} \
            --out {output.checked:q}
        """


rule evaluate_released:
    """Score the released models of one IsoFLOP curve on one family, one after another, once all of them are found good."""
    input:
        manifest=lambda wildcards: texts(wildcards.family, "manifest.json"),
        texts=lambda wildcards: ancient(texts(wildcards.family, "texts.parquet")),
        models=released_files,
        checked=lambda wildcards: after_preflight(
            evaluation_record(wildcards),
            released_spec(wildcards),
            [code_digest(EVALUATION), EVALUATION_LOCK],
        ),
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-items.parquet",
        record=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-record.json",
    log:
        f"logs/{EXPERIMENT.experiment}/evaluate_released/{{family}}-{{corpus}}-{{budget}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/evaluate_released/{{family}}-{{corpus}}-{{budget}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=int(EXPERIMENT.released.gpu),
        mem_mb=EXPERIMENT.released.mem_mb,
        runtime=EXPERIMENT.released.runtime_minutes,
    params:
        spec=lambda wildcards: canonical_json(released_spec(wildcards)),
        code=code_digest(EVALUATION),
        lock=EVALUATION_LOCK,
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.evaluate_released \
            --spec {params.spec:q} \
            --defined-by {params.code:q} {params.lock:q} \
            --texts {input.texts:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q} \
            --out-record {output.record:q}
        """
