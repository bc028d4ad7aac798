"""Statistics of the texts: of corpora and of the domains of families, next to the exponents."""

if statistics_specs.has_statistics(EXPERIMENT):

    rule statistics_of_corpus:
        """Estimate the statistics of the training documents of one corpus."""
        input:
            report=lambda wildcards: LAYOUT.documents(wildcards.corpus, "report.json"),
            train=lambda wildcards: ancient(LAYOUT.documents(wildcards.corpus, "train.parquet")),
            words=lambda wildcards: LAYOUT.word_counts(wildcards.corpus),
            manifest=lambda wildcards: LAYOUT.tokens(wildcards.corpus, "manifest.json"),
        output:
            table=f"{RESULTS}/statistics/corpora/{{corpus}}.csv",
        log:
            f"logs/{EXPERIMENT.name}/statistics_of_corpus/{{corpus}}.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/statistics_of_corpus/{{corpus}}.jsonl"
        wildcard_constraints:
            corpus=any_of(statistics_specs.sampled_corpora(EXPERIMENT)),
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=1500,
            runtime="10m",
        params:
            spec=lambda wildcards: canonical_json(
                statistics_specs.statistics_spec(EXPERIMENT, corpus=wildcards.corpus)
            ),
            code=code_digest("relscale.stages.corpus_statistics"),
            lock=lock_digest("relscale.stages.corpus_statistics"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.corpus_statistics \
                --spec <(printf %s {params.spec:q}) \
                --train {input.train:q} \
                --words {input.words:q} \
                --manifest {input.manifest:q} \
                --out {output.table:q}
            """

    rule statistics_of_domains:
        """Estimate the statistics of the text of each domain of one family."""
        input:
            tokenizer=LAYOUT.tokenizer,
            manifest=f"{SHARED}/families/{{requests_key}}/manifest.json",
            requests=ancient(f"{SHARED}/families/{{requests_key}}/requests.parquet"),
        output:
            table=f"{RESULTS}/statistics/families/{{requests_key}}.csv",
        log:
            f"logs/{EXPERIMENT.name}/statistics_of_domains/{{requests_key}}.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/statistics_of_domains/{{requests_key}}.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            spec=lambda wildcards: canonical_json(
                statistics_specs.domains_spec(
                    EXPERIMENT, *LAYOUT.requests_of_key[wildcards.requests_key]
                )
            ),
            code=code_digest("relscale.stages.domain_statistics"),
            lock=lock_digest("relscale.stages.domain_statistics"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.domain_statistics \
                --spec <(printf %s {params.spec:q}) \
                --requests {input.requests:q} \
                --tokenizer {input.tokenizer:q} \
                --out {output.table:q}
            """

    rule statistics_table:
        """Gather the statistics of all corpora and domains."""
        input:
            parts=statistics_specs.statistics_files(EXPERIMENT, LAYOUT),
            sharded=statistics_specs.sharded_manifests(EXPERIMENT, LAYOUT),
        output:
            table=f"{RESULTS}/tables/corpus_statistics.csv",
        log:
            f"logs/{EXPERIMENT.name}/statistics_table.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/statistics_table.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=500,
            runtime="5m",
        params:
            spec=verbatim(canonical_json(statistics_specs.table_spec(EXPERIMENT))),
            code=code_digest("relscale.stages.statistics_table"),
            lock=lock_digest("relscale.stages.statistics_table"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.statistics_table \
                --spec <(printf %s {params.spec:q}) \
                --part {input.parts:q} \
                --manifest {input.sharded:q} \
                --out {output.table:q}
            """

    rule statistics_exponents:
        """Correlate the statistics of domains with the exponents of their laws."""
        input:
            statistics=f"{RESULTS}/tables/corpus_statistics.csv",
            absolute=f"{RESULTS}/laws/absolute.csv",
            relative=f"{RESULTS}/laws/relative.csv",
        output:
            table=f"{RESULTS}/laws/statistics_exponents.csv",
        log:
            f"logs/{EXPERIMENT.name}/statistics_exponents.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/statistics_exponents.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=1000,
            runtime="5m",
        params:
            spec=verbatim(canonical_json(statistics_specs.exponents_spec(EXPERIMENT))),
            code=code_digest("relscale.stages.statistics_exponents"),
            lock=lock_digest("relscale.stages.statistics_exponents"),
        shell:
            """
            exec &> >(tee {log:q})
            python -m relscale.stages.statistics_exponents \
                --spec <(printf %s {params.spec:q}) \
                --statistics {input.statistics:q} \
                --absolute {input.absolute:q} \
                --relative {input.relative:q} \
                --out {output.table:q}
            """
