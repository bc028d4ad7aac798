"""Knowledge: the laws of the four groups of subjects of MMLU."""

from relscale.figures.context import family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class KnowledgeSettings(FamilySettings):
    """Settings of the figure of knowledge."""

    family: str = "knowledge"


FIGURE = Figure(
    name="figure4_knowledge",
    category=Category.PAPER,
    caption=(
        "Knowledge: error at the compute-optimal point of each budget with the absolute law "
        "(top), and its reduction against the baseline with the relative law, 95 % interval and "
        "verdict on the ratio scale (bottom); one column per corpus. Beyond the data laws are "
        "dashed, with a band only where back-tests have calibrated it. The error is bits per byte "
        "of the right answer, over the MMLU questions that fit the window. Hollow diamonds, where "
        "the experiment has controls: n-gram models that have read the text of the "
        "compute-optimal runs. Source: laws/points.csv, laws/absolute.csv, laws/relative.csv, "
        "laws/curves.csv, laws/control_slopes.csv."
    ),
    caption_of_table=(
        "Knowledge: values of the table at each budget with the absolute law (top), and their "
        "reduction against the baseline with the relative law, 95 % interval and verdict on the "
        "ratio scale (bottom); one column per corpus. Source: laws/points.csv, laws/absolute.csv, "
        "laws/relative.csv, laws/curves.csv."
    ),
    tables=family_tables(lambda context: "knowledge"),
    settings=KnowledgeSettings,
    settings_of=lambda context: settings_of_family(KnowledgeSettings, context, "knowledge"),
    family=lambda context: "knowledge",
)
