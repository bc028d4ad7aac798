"""Figures: one rule per figure, drawn from tables alone.

Tables and specs are in `relscale.workflow.figure_specs`; the drawing is in the figure's module.
"""

for name in FIGURES:

    rule:
        name:
            name
        input:
            **figure_specs.figure_tables(EXPERIMENT, LAYOUT, name),
        output:
            svg=report(
                f"{RESULTS}/figures/{name}.svg",
                caption=f"../report/{name}.rst",
                category=figure_specs.category(name),
                labels={"figure": name.replace("_", " ")},
            ),
            pdf=f"{RESULTS}/figures/{name}.pdf",
            png=f"{RESULTS}/figures/{name}.png",
        log:
            f"logs/{EXPERIMENT.name}/figures/{name}.log",
        benchmark:
            f"benchmarks/results/{EXPERIMENT.name}/figures/{name}.jsonl"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            module=f"relscale.figures.{name}",
            tables=[
                f"{kind}={path}"
                for kind, paths in figure_specs.figure_tables(EXPERIMENT, LAYOUT, name).items()
                for path in paths
            ],
            spec=canonical_json(figure_specs.figure_spec(EXPERIMENT, name)),
            code=code_digest(f"relscale.figures.{name}"),
            lock=lock_digest(["matplotlib"]),
        shell:
            """
            exec &> >(tee {log:q})
            python -m {params.module} \
                --spec {params.spec:q} \
                --table {params.tables:q} \
                --svg {output.svg:q} \
                --pdf {output.pdf:q} \
                --png {output.png:q}
            """


rule figures:
    """Draw all figures, and make only the tables that they need."""
    input:
        collect(
            "{results}/figures/{figure}.{ending}",
            results=RESULTS,
            figure=FIGURES,
            ending=figure_specs.FORMATS,
        ),
    localrule: True
