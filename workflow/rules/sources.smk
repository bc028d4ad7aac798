"""Sources: pinned packages are downloaded, checked and unpacked; local files are copied; hub datasets are streamed."""


rule source:
    """Fetch one source, check it, unpack it."""
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
        local_copy=local_copy,
        downloads=EXPERIMENT.downloads or "",
    params:
        spec=lambda wildcards: canonical_json(source_spec(SOURCES_BY_KEY[wildcards.source_key])),
        listing=lambda wildcards: source_listing(wildcards.source_key),
        code=code_digest("relscale.stages.source"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.source \
            --spec {params.spec:q} \
            --listing={params.listing:q} \
            --local-copy={resources.local_copy:q} \
            --downloads={resources.downloads:q} \
            --manifest {output.manifest:q} \
            --files {output.files:q}
        """


rule sources_table:
    """List the sources of this experiment with hashes, licences and citations."""
    input:
        manifests=[source_manifest(name) for name in SOURCES],
        plans=[
            f"{component_folder(*component)}/plan.json" for component in COMPONENTS_BY_KEY.values()
        ],
    output:
        table=f"{RESULTS}/tables/sources.csv",
    log:
        f"logs/{EXPERIMENT.experiment}/sources_table.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.experiment}/sources_table.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        spec=canonical_json(
            {
                name: EXPERIMENT.sources[name].model_dump(include={"licence", "citation"})
                for name in LISTED_SOURCES
            }
        ),
        code=code_digest("relscale.stages.sources_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.sources_table \
            --spec {params.spec:q} \
            --manifest {input.manifests:q} {input.plans:q} \
            --out {output.table:q}
        """
