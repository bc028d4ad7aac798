"""Loss to loss: the loss of each treatment against that of the baseline, over all runs."""

from relscale.figures.context import compared, compared_settings, family_losses, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="loss_to_loss",
    category=Category.DIAGNOSTICS,
    caption=(
        "Loss of each treatment against the loss of its baseline, one point per run, whatever its "
        "size, tokens and budget; one row per family and one column per corpus. Lines are the law "
        "log G = c0 + c1 log L + c2 (log L)², G = L(treatment) / L(baseline) and L the baseline's "
        "loss; on the dashed line both losses are equal. A line steeper than the dashed one means "
        "that the ratio G falls as models improve. Families in metrics where higher is better are "
        "left out. Source: tables/losses.parquet, laws/loss_to_loss.csv."
    ),
    tables={"losses": family_losses(compared), **law_tables(compared, "loss_to_loss")},
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
