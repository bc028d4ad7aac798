"""A losses table from outside: one job reads it; all later jobs are those of other experiments."""


rule losses_table:
    """Read the table into the losses of every family, and list its runs, source and decisions."""
    input:
        # Compared by `listing`, which covers its content, and not by its time.
        table=ancient(LAYOUT.losses_file),
    output:
        losses=[LAYOUT.family_table(family, "losses") for family in FAMILIES],
        per_item=[LAYOUT.family_table(family, "items") for family in FAMILIES],
        suite=f"{RESULTS}/tables/suite.csv",
        bill=f"{RESULTS}/tables/bill.txt",
        sources=f"{RESULTS}/tables/sources.csv",
        decisions=f"{RESULTS}/tables/decisions.txt",
        record=LAYOUT.losses_record,
    log:
        f"logs/{EXPERIMENT.name}/losses_table.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/losses_table.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        spec=verbatim(canonical_json(suite_specs.losses_table_spec(EXPERIMENT))),
        listing=LISTINGS.of_losses(),
        code=code_digest("relscale.stages.losses_table"),
        lock=lock_digest("relscale.stages.losses_table"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.losses_table \
            --spec <(printf %s {params.spec:q}) \
            --table {input.table:q} \
            --listing={params.listing:q} \
            --out-losses {output.losses:q} \
            --out-items {output.per_item:q} \
            --out-suite {output.suite:q} \
            --out-bill {output.bill:q} \
            --out-sources {output.sources:q} \
            --out-decisions {output.decisions:q} \
            --out-record {output.record:q}
        """
