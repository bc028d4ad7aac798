"""Write the sample pages of the documentation from finished results of the default experiment.

    python tools/sample_pages.py  # in the folder that has results/default

`docs/sample/index.html` is the front page, `docs/sample/explorer.html` an explorer of the families
that figure 1 shows, in their first metric and by the estimator of the verdicts. Without the other
families, metrics, estimators and baselines both pages together are smaller than 1 MB.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from relscale.config.load import load_config, read_yaml
from relscale.files import write_text
from relscale.pages.explorer import ExplorerTables, explorer_page
from relscale.pages.findings import FindingsTables
from relscale.pages.front import FrontFigure, PageLink, front_page
from relscale.workflow.experiment import plan_experiment
from relscale.workflow.page_specs import explorer_spec, front_spec

ROOT = Path(__file__).parents[1]
RESULTS = Path("results/default")
LAWS = RESULTS / "laws"
SAMPLE = ROOT / "docs/sample"
MOST_BYTES = 1_000_000


def main() -> None:
    """Write both pages, or end with an error if they are too large for the repository."""
    experiment = plan_experiment(load_config(read_yaml(ROOT / "config.yaml")))
    front, explorer = front_spec(experiment), explorer_spec(experiment)
    name = experiment.settings.figures.names[0]
    pages = {
        "index.html": front_page(
            FindingsTables.read(
                relative=LAWS / "relative.csv",
                suite=RESULTS / "tables/suite.csv",
                families=LAWS / "families.csv",
                forecast=LAWS / "forecast.csv",
                scores=LAWS / "scores.csv",
            ),
            front.findings,
            title=front.title,
            links=[PageLink(href="explorer.html", text="Explorer of three families")],
            figure=FrontFigure.read(RESULTS / f"figures/{name}.svg", front.caption),
        ),
        "explorer.html": explorer_page(
            _shown(
                experiment.settings.figures.teaser,
                {family.family: family.metric for family in front.findings.families},
                front.findings.estimator,
            ),
            explorer.model_copy(
                update={
                    "families": [
                        family
                        for family in explorer.families
                        if family.family in experiment.settings.figures.teaser
                    ]
                }
            ),
        ),
    }
    size = sum(len(page.encode()) for page in pages.values())
    if size > MOST_BYTES:
        raise SystemExit(f"the sample pages have {size:,} bytes, more than {MOST_BYTES:,}")
    for file, page in pages.items():
        write_text(SAMPLE / file, page)
        print(f"{SAMPLE / file}: {len(page.encode()):,} bytes")


def _shown(families: list[str], metrics: dict[str, str], estimator: str) -> ExplorerTables:
    """Return the tables of some families in one metric each, by one estimator."""
    tables = ExplorerTables.read(
        losses=RESULTS / "tables/losses.parquet",
        points=LAWS / "points.csv",
        absolute=LAWS / "absolute.csv",
        relative=LAWS / "relative.csv",
    )

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        wanted = table["family"].isin(families)
        wanted &= table["metric"] == table["family"].map(metrics)
        if "estimator" in table:
            wanted &= table["estimator"] == estimator
        return table[wanted].reset_index(drop=True)

    return replace(
        tables,
        losses=kept(tables.losses),
        points=kept(tables.points),
        absolute=kept(tables.absolute),
        relative=kept(tables.relative),
    )


if __name__ == "__main__":
    main()
