"""Evaluation: a family's text becomes requests once; one job scores the runs of an IsoFLOP curve on them."""


rule family:
    """Turn one family's text into tokenised requests."""
    input:
        tokenizer=TOKENIZER,
        text=requests_source,
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
        mem_mb=lambda wildcards: requests_needs(wildcards).mem_mb,
        runtime=lambda wildcards: requests_needs(wildcards).runtime,
    params:
        spec=lambda wildcards: canonical_json(family_spec(*REQUESTS_BY_KEY[wildcards.requests_key])),
        text=lambda wildcards, input: text_options(
            EXPERIMENT.families[REQUESTS_BY_KEY[wildcards.requests_key][0]].kind, input.text
        ),
        code=code_digest("relscale.stages.family"),
        lock=lock_digest(["tokenizers"]),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.family \
            --spec {params.spec:q} \
            --tokenizer {input.tokenizer:q} \
            {params.text:q} \
            --out {output.requests:q} \
            --manifest {output.manifest:q}
        """


rule overlap:
    """Find the items of a family outside the decontamination list that stand in a corpus."""
    input:
        requests=lambda wildcards: requests(wildcards.family, wildcards.corpus, "requests.parquet"),
        train=lambda wildcards: ancient(documents(wildcards.corpus, "train.parquet")),
        report=lambda wildcards: documents(wildcards.corpus, "report.json"),
    output:
        overlaps=f"{RESULTS}/evaluations/{{family}}/overlaps-{{corpus}}.json",
    log:
        f"logs/{EXPERIMENT.experiment}/overlap/{{family}}-{{corpus}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/overlap/{{family}}-{{corpus}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1500,
        runtime="30m",
    params:
        spec=canonical_json({"window_words": EXPERIMENT.corpora.window_words}),
        code=code_digest("relscale.stages.overlap"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.overlap \
            --spec {params.spec:q} \
            --requests {input.requests:q} \
            --train {input.train:q} \
            --out {output.overlaps:q}
        """


rule evaluate:
    """Score the runs of one IsoFLOP curve on one family, one after another."""
    input:
        manifest=lambda wildcards: requests(wildcards.family, wildcards.corpus, "manifest.json"),
        requests=lambda wildcards: ancient(
            requests(wildcards.family, wildcards.corpus, "requests.parquet")
        ),
        records=lambda wildcards: [
            f"{RESULTS}/runs/{run}/record.json"
            for run in runs_of(wildcards.corpus, wildcards.budget)
        ],
        models=lambda wildcards: [
            f"{RESULTS}/runs/{run}/model" for run in runs_of(wildcards.corpus, wildcards.budget)
        ],
        overlaps=overlaps,
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/{{corpus}}-{{budget}}-items.parquet",
    log:
        f"logs/{EXPERIMENT.experiment}/evaluate/{{family}}-{{corpus}}-{{budget}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/evaluate/{{family}}-{{corpus}}-{{budget}}.jsonl"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=lambda wildcards: scoring_needs(wildcards).gpu,
        mem_mb=lambda wildcards: scoring_needs(wildcards).mem_mb,
        gpu_mem_mb=lambda wildcards: scoring_needs(wildcards).gpu_mem_mb,
        runtime=lambda wildcards: scoring_needs(wildcards).runtime,
        cpus_per_task=lambda wildcards: scoring_needs(wildcards).cpus_per_task,
        nodes=lambda wildcards: scoring_needs(wildcards).nodes,
    params:
        spec=lambda wildcards: canonical_json(
            family_spec(wildcards.family, corpus_of_family(wildcards.family, wildcards.corpus))
        ),
        overlaps=lambda wildcards, input: ["--overlaps", input.overlaps] if input.overlaps else [],
        score_cache=f"{SHARED}/checkpoints",
        code=code_digest("relscale.stages.evaluate"),
        lock=TRAINING_LOCK,
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.evaluate \
            --spec {params.spec:q} \
            --requests {input.requests:q} \
            --record {input.records:q} \
            {params.overlaps:q} \
            --score-cache {params.score_cache:q} \
            --defined-by {params.code:q} {params.lock:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q}
        """
