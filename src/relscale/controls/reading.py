"""The reading of the comparison of controls and runs, in two sentences."""

import pandas as pd


def reading(slopes: pd.DataFrame, level: float) -> str:
    """Write how many gaps move alike in controls and runs, and what follows.

    Args:
        slopes: rows of control_slopes.csv.
        level: confidence level of its intervals.
    """
    counts = slopes["movement"].value_counts()
    alike, opposite, only_runs = (
        int(counts.get(word, 0)) for word in ("alike", "opposite", "only_runs")
    )
    moving = alike + opposite + only_runs
    names = " and ".join(dict.fromkeys(slopes["control"].astype(str)))
    if not moving:
        return (
            f"In none of {len(slopes)} comparisons does the {100 * level:g} % interval of the "
            "runs' slope leave out 0. So there is no movement that a control could account for."
        )
    return (
        f"The runs' gap moves in {moving} of {len(slopes)} comparisons (its {100 * level:g} % "
        f"interval leaves out 0, not adjusted for their number); over the same range of text the "
        f"gap of the control ({names}) moves in the same direction in {alike} of them and in the "
        f"opposite one in {opposite}, and in {only_runs} it is not shown to move. Where both move "
        "alike, counts of neighbouring bytes are enough for that direction, so the movement does "
        "not show that a neural network has learnt more; elsewhere this control does not account "
        "for it."
    )
