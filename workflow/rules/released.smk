"""Released models: their table, a family's texts, and one scoring job per IsoFLOP curve."""

EVALUATION = "relscale.stages.evaluate_released"


rule released_models:
    """Load every released model to check that it can be used; write the suite as a table."""
    input:
        models=sorted(set(LISTINGS.of_models(EXPERIMENT.released))),
    output:
        table=f"{RESULTS}/tables/suite.csv",
        bill=f"{RESULTS}/tables/bill.txt",
    log:
        f"logs/{EXPERIMENT.name}/released_models.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/released_models.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=EXPERIMENT.settings.released.mem_mb,
        runtime=EXPERIMENT.settings.released.runtime_minutes,
    params:
        spec=verbatim(canonical_json(suite_specs.released_suite_spec(EXPERIMENT))),
        code=code_digest("relscale.stages.released_models"),
        lock=lock_digest("relscale.stages.released_models"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.released_models \
            --spec <(printf %s {params.spec:q}) \
            --out {output.table:q} \
            --out-bill {output.bill:q}
        """


rule texts:
    """Turn one family's files into the texts that every released model scores."""
    input:
        sources=lambda wildcards: LAYOUT.family_manifests(LAYOUT.texts_of_key[wildcards.texts_key]),
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
        spec=lambda wildcards: canonical_json(
            evaluation_specs.texts_spec(EXPERIMENT, LAYOUT.texts_of_key[wildcards.texts_key])
        ),
        sources=lambda wildcards, input: evaluation_specs.text_options("--source", input.sources),
        code=code_digest("relscale.stages.texts"),
        lock=lock_digest("relscale.stages.texts"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.texts \
            --spec <(printf %s {params.spec:q}) \
            {params.sources:q} \
            --out {output.texts:q} \
            --manifest {output.manifest:q}
        """


checkpoint preflight:
    """Check before any scoring that every domain has text; runs after `released_models`."""
    input:
        suite=f"{RESULTS}/tables/suite.csv",
        families=[LAYOUT.texts(family, "manifest.json") for family in FAMILIES],
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
            --family {input.families:q} \
            --out {output.checked:q}
        """


rule evaluate_released:
    """Score the released models of one IsoFLOP curve on one family, one after the other."""
    input:
        manifest=lambda wildcards: LAYOUT.texts(wildcards.family, "manifest.json"),
        texts=lambda wildcards: ancient(LAYOUT.texts(wildcards.family, "texts.parquet")),
        models=lambda wildcards: LISTINGS.of_models(
            EXPERIMENT.released_of(wildcards.corpus, wildcards.budget)
        ),
        checked=lambda wildcards: after_preflight(
            f"{RESULTS}/evaluations/{wildcards.family}/{wildcards.corpus}-{wildcards.budget}-record.json",
            evaluation_specs.released_evaluation_spec(
                EXPERIMENT, wildcards.family, wildcards.corpus, wildcards.budget
            ),
            [code_digest(EVALUATION), lock_digest(EVALUATION)],
        ),
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-items.parquet",
        buckets=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-buckets.parquet",
        positions=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-positions.parquet",
        record=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-record.json",
    log:
        f"logs/{EXPERIMENT.name}/evaluate_released/{{family}}-{{corpus}}-{{budget}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/evaluate_released/{{family}}-{{corpus}}-{{budget}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=int(EXPERIMENT.settings.released.gpu),
        mem_mb=EXPERIMENT.settings.released.mem_mb,
        runtime=EXPERIMENT.settings.released.runtime_minutes,
    params:
        spec=lambda wildcards: canonical_json(
            evaluation_specs.released_evaluation_spec(
                EXPERIMENT, wildcards.family, wildcards.corpus, wildcards.budget
            )
        ),
        code=code_digest(EVALUATION),
        lock=lock_digest(EVALUATION),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.evaluate_released \
            --spec <(printf %s {params.spec:q}) \
            --defined-by {params.code:q} {params.lock:q} \
            --texts {input.texts:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q} \
            --out-buckets {output.buckets:q} \
            --out-positions {output.positions:q} \
            --out-record {output.record:q}
        """
