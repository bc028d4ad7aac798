"""Figures: one rule per figure, drawn from tables alone.

`relscale.figures.<name>` declares a figure, `relscale.figures.draw.<name>` draws it.
"""

for name in FIGURES:

    rule:
        name:
            name
        input:
            **figure_specs.figure_tables(EXPERIMENT, name),
        output:
            svg=report(
                f"{RESULTS}/figures/{name}.svg",
                caption="../report/figure.rst",
                category=str(find_figure(name).category),
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
            module=find_figure(name).drawing,
            tables=[
                f"{kind}={path}"
                for kind, paths in figure_specs.figure_tables(EXPERIMENT, name).items()
                for path in paths
            ],
            spec=verbatim(canonical_json(figure_specs.figure_spec(EXPERIMENT, name))),
            code=code_digest(find_figure(name).drawing),
            lock=lock_digest(find_figure(name).drawing),
            caption=find_figure(name).caption_in(of_table=EXPERIMENT.from_table),
        shell:
            """
            exec &> >(tee {log:q})
            python -m {params.module} \
                --spec <(printf %s {params.spec:q}) \
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
