"""Sources: download, check and unpack packages; copy local files; stream Hub datasets."""


rule source:
    """Fetch, check and unpack one source."""
    output:
        manifest=f"{SHARED}/sources/{{source_key}}/manifest.json",
        files=directory(f"{SHARED}/sources/{{source_key}}/files"),
    log:
        "logs/shared/source/{source_key}.log",
    benchmark:
        "benchmarks/results/shared/source/{source_key}.jsonl"
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime="30m",
        local_copy=lambda wildcards: text_specs.local_copy(
            EXPERIMENT, LAYOUT.source_of_key[wildcards.source_key]
        ),
        downloads=EXPERIMENT.settings.downloads or "",
    params:
        spec=lambda wildcards: canonical_json(
            text_specs.source_spec(EXPERIMENT, LAYOUT.source_of_key[wildcards.source_key])
        ),
        listing=lambda wildcards: LISTINGS.of_source(wildcards.source_key),
        code=code_digest("relscale.stages.source"),
        lock=lock_digest("relscale.stages.source"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.source \
            --spec <(printf %s {params.spec:q}) \
            --listing={params.listing:q} \
            --local-copy={resources.local_copy:q} \
            --downloads={resources.downloads:q} \
            --manifest {output.manifest:q} \
            --files {output.files:q}
        """


rule sources_table:
    """List the sources of this experiment with checksums, licences and citations."""
    input:
        manifests=[LAYOUT.source_manifest(name) for name in LAYOUT.fetched_sources],
        plans=LAYOUT.shard_plans,
    output:
        table=f"{RESULTS}/tables/sources.csv",
    log:
        f"logs/{EXPERIMENT.name}/sources_table.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/sources_table.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=verbatim(
            canonical_json(text_specs.sources_table_spec(EXPERIMENT, LAYOUT.listed_sources))
        ),
        code=code_digest("relscale.stages.sources_table"),
        lock=lock_digest("relscale.stages.sources_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.sources_table \
            --spec <(printf %s {params.spec:q}) \
            --manifest {input.manifests:q} {input.plans:q} \
            --out {output.table:q}
        """
