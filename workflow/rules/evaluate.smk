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
        mem_mb=1500,
        runtime="30m",
    params:
        spec=lambda wildcards: canonical_json(family_spec(*REQUESTS_BY_KEY[wildcards.requests_key])),
        text=lambda wildcards, input: text_options(EXPERIMENT.families[REQUESTS_BY_KEY[wildcards.requests_key][0]].kind, input.text),
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
        requests=lambda wildcards: ancient(requests(wildcards.family, wildcards.corpus, "requests.parquet")),
        records=lambda wildcards: [f"{RESULTS}/runs/{run}/record.json" for run in runs_of(wildcards.corpus, wildcards.budget)],
        models=lambda wildcards: [f"{RESULTS}/runs/{run}/model" for run in runs_of(wildcards.corpus, wildcards.budget)],
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
        mem_mb=2000,
        runtime="60m",
    params:
        spec=lambda wildcards: canonical_json(family_spec(wildcards.family, corpus_of_family(wildcards.family, wildcards.corpus))),
        overlaps=lambda wildcards, input: ["--overlaps", input.overlaps] if input.overlaps else [],
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
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q}
        """


rule family_losses:
    """Gather the losses and items of one family over all runs."""
    input:
        losses=lambda wildcards: evaluation_files(wildcards.family, "losses"),
        per_item=lambda wildcards: evaluation_files(wildcards.family, "items"),
        # Training takes its checks as an ancient input. Where such an input is made anew, Snakemake looks no further behind it in that call,
        # so that the runs of a new, larger budget would only be trained by the next one: this way leads to them.
        checked=f"{RESULTS}/tables/enough_tokens.json",
    output:
        losses=f"{RESULTS}/evaluations/{{family}}/losses.parquet",
        per_item=f"{RESULTS}/evaluations/{{family}}/items.parquet",
    log:
        f"logs/{EXPERIMENT.experiment}/family_losses/{{family}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/family_losses/{{family}}.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.losses"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.losses \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q}
        """


rule losses:
    """Gather the losses and items of all families: what everything after it is made from."""
    input:
        losses=[f"{RESULTS}/evaluations/{family}/losses.parquet" for family in FAMILIES],
        per_item=[f"{RESULTS}/evaluations/{family}/items.parquet" for family in FAMILIES],
    output:
        losses=f"{RESULTS}/tables/losses.parquet",
        csv=f"{RESULTS}/tables/losses.csv",
        per_item=f"{RESULTS}/tables/items.parquet",
    log:
        f"logs/{EXPERIMENT.experiment}/losses.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/losses.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=4000,
        runtime="10m",
    params:
        code=code_digest("relscale.stages.losses"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.losses \
            --losses {input.losses:q} \
            --items {input.per_item:q} \
            --out-losses {output.losses:q} \
            --out-csv {output.csv:q} \
            --out-items {output.per_item:q}
        """
