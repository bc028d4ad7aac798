"""Specs of the page stages. Light imports: the Snakefile builds them."""

from typing import Literal

from relscale.config.base import Model
from relscale.figures.settings import StatedDirections

Compute = Literal["training_flops", "forward_flops"]
Origin = Literal["trained", "released", "table"]
"""Where the losses come from: models trained by the experiment, released models that it scored, or
a table from outside."""

SHOWN_PACKAGES = (
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "tokenizers",
    "safetensors",
    "datasketch",
    "matplotlib",
    "vl-convert-python",
    "jinja2",
    "snakemake",
)
"""Libraries that stages compute, draw or write with, and Snakemake; the provenance page shows their
versions."""


class FindingsFamily(Model):
    """A family of the findings page."""

    family: str
    """Name of the family."""
    metric: str
    """Metric of the shown laws."""
    baseline: str = ""
    """Domain that the others are compared with; a family without one has no verdicts."""
    domains: list[str] = []
    """Domains in the order in which they are shown."""


class FindingsSpec(StatedDirections):
    """Spec of the stage `findings`."""

    families: list[FindingsFamily] = []
    """Families in the order in which they are shown."""
    corpora: list[str] = []
    """Corpora in the order in which they are shown."""
    labels: dict[str, str] = {}
    """Words for names of families, domains and corpora."""
    estimator: str = "joint"
    """Estimator of the shown laws."""
    compute: Compute = "training_flops"
    """Column of the suite that the range of compute is read from."""
    origin: Origin = "trained"
    """Where the losses come from; decides how the pages speak of the models."""
    margin_share: float | None = None
    """Share of a gap that counts as a small change, as the laws were fitted; None if not known."""
    margin_floor: float | None = None
    """Smallest margin, as the laws were fitted; None if not known."""


class FrontSpec(Model):
    """Spec of the stage `front`."""

    title: str
    """Name of the experiment."""
    findings: FindingsSpec
    """Which laws are shown, and how they are called."""
    caption: str = ""
    """Caption of the figure, plain text."""
    links: dict[str, str] = {}
    """Words of the links by their paths from the page's folder, in order."""


class ExplorerFamily(Model):
    """A family of the explorer."""

    family: str
    """Name of the family."""
    metrics: list[str] = []
    """Metrics in the order in which they are offered."""
    baseline: str = ""
    """Baseline that is chosen first."""
    domains: list[str] = []
    """Domains in the order in which they are shown; the order decides their colours."""


class ExplorerSpec(StatedDirections):
    """Spec of the stage `explorer`; estimators, metrics and columns come from the tables."""

    experiment: str = ""
    """Name of the experiment, shown as the title."""
    families: list[ExplorerFamily] = []
    """Families in the order in which they are offered; those that only the tables have follow."""
    corpora: list[str] = []
    """Corpora in the order in which they are offered."""
    labels: dict[str, str] = {}
    """Words for names of families, domains and corpora."""
    compute: Compute = "training_flops"
    """Column of the chart's horizontal axis."""
    extrapolate_decades: float = 1.0
    """Decades of compute by which curves are drawn beyond the last budget."""


class ProvenanceSpec(Model):
    """Spec of the stage `provenance`."""

    experiment: str
    """Name of the experiment, shown in the heading."""
    digests: dict[str, str]
    """Digests that name folders of shared results, by a description of the folder."""
    packages: list[str] = list(SHOWN_PACKAGES)
    """Installed libraries whose versions are shown."""
    shared_keys: list[str] = []
    """Names with which the benchmark records of this experiment's shared jobs begin."""
