"""Controls: simple models of the same corpora, scored on the same requests as the runs."""

if EXPERIMENT.controls:

    rule ngram:
        """Train the n-gram models of one corpus and score them on all families."""
        input:
            tokenizer=LAYOUT.tokenizer,
            tokens=lambda wildcards: LAYOUT.tokens(wildcards.corpus, "manifest.json"),
            train=lambda wildcards: training_tokens(wildcards.corpus),
            manifests=lambda wildcards: [
                LAYOUT.requests(family, wildcards.corpus, "manifest.json")
                for family in control_specs.controlled_families(EXPERIMENT)
            ],
            requests=lambda wildcards: [
                ancient(LAYOUT.requests(family, wildcards.corpus, "requests.parquet"))
                for family in control_specs.controlled_families(EXPERIMENT)
            ],
            overlaps=lambda wildcards: [
                path
                for family in control_specs.controlled_families(EXPERIMENT)
                for path in LAYOUT.overlaps(family, wildcards.corpus)
            ],
        output:
            losses=f"{RESULTS}/controls/{{corpus}}-losses.parquet",
            per_item=f"{RESULTS}/controls/{{corpus}}-items.parquet",
        log:
            f"logs/{EXPERIMENT.name}/ngram/{{corpus}}.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/ngram/{{corpus}}.jsonl"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=control_specs.ngram_mebibytes(EXPERIMENT),
            runtime="30m",
        params:
            spec=lambda wildcards: canonical_json(
                control_specs.ngram_spec(EXPERIMENT, wildcards.corpus)
            ),
            requests=lambda wildcards: LAYOUT.control_requests(
                wildcards.corpus, control_specs.controlled_families(EXPERIMENT)
            ),
            overlaps=lambda wildcards: LAYOUT.control_overlaps(
                wildcards.corpus, control_specs.controlled_families(EXPERIMENT)
            ),
            code=code_digest("relscale.stages.ngram"),
            lock=lock_digest("relscale.stages.ngram"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.ngram \
                --spec <(printf %s {params.spec:q}) \
                --tokenizer {input.tokenizer:q} \
                --manifest {input.tokens:q} \
                --requests {params.requests:q} \
                {params.overlaps:q} \
                --out-losses {output.losses:q} \
                --out-items {output.per_item:q}
            """

    rule control_tables:
        """Compare the gaps of controls with the relative laws of the runs."""
        input:
            losses=LAYOUT.control_files("losses"),
            per_item=LAYOUT.control_files("items"),
            relative=f"{RESULTS}/laws/relative.csv",
            optima=f"{RESULTS}/laws/optima.csv",
            corpora=f"{RESULTS}/tables/corpora.csv",
        output:
            controls=f"{RESULTS}/laws/controls.csv",
            slopes=f"{RESULTS}/laws/control_slopes.csv",
            reading=f"{RESULTS}/controls/reading.txt",
        log:
            f"logs/{EXPERIMENT.name}/control_tables.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/control_tables.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=2000,
            runtime="10m",
        params:
            spec=verbatim(canonical_json(control_specs.controls_spec(EXPERIMENT))),
            code=code_digest("relscale.stages.control_tables"),
            lock=lock_digest("relscale.stages.control_tables"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.control_tables \
                --spec <(printf %s {params.spec:q}) \
                --losses {input.losses:q} \
                --items {input.per_item:q} \
                --relative {input.relative:q} \
                --optima {input.optima:q} \
                --corpora {input.corpora:q} \
                --out-controls {output.controls:q} \
                --out-slopes {output.slopes:q} \
                --out-reading {output.reading:q}
            """

    rule control_page:
        """Write the comparison of controls and runs as a page of the report, with its reading."""
        input:
            table=f"{RESULTS}/laws/control_slopes.csv",
            reading=f"{RESULTS}/controls/reading.txt",
        output:
            page=report(
                f"{RESULTS}/html/controls.html",
                caption="../report/table.rst",
                category="4 Tables",
                labels={"table": "controls"},
            ),
        log:
            f"logs/{EXPERIMENT.name}/control_page.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/control_page.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=500,
            runtime="5m",
        params:
            code=code_digest("relscale.stages.html_table"),
            lock=lock_digest("relscale.stages.html_table"),
            templates=page_specs.template_digest("html_table"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.html_table \
                --csv {input.table:q} \
                --html {output.page:q} \
                --title controls \
                --remark "$(cat {input.reading:q})"
            """
