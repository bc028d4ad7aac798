"""All laws of training conditions by name: of repeated tokens, quality, shape and batch.

Each is a `Form` over the runs of a corpus and of the arms that change one condition. A new law is a
module next to this one, a line here, and the arms whose runs it takes (`takes`).
"""

from collections.abc import Callable, Set
from dataclasses import dataclass

from relscale.laws.classical.form import Form
from relscale.laws.classical.quality import QUALITY_LAW
from relscale.laws.classical.repetition import DATA_CONSTRAINED, DATA_CONSTRAINED_PARAMS
from relscale.laws.classical.width_depth import WIDTH_OR_DEPTH

Takes = Callable[[Set[str]], bool]
"""Whether a law takes an arm, by the settings of training that the arm changes."""


@dataclass(frozen=True, kw_only=True)
class ConditionLaw:
    """A law, and the arms whose runs it is fitted to, in addition to those of their corpus."""

    form: Form
    """The law."""
    needs: str
    """The arms that it needs in addition to their corpus, in words."""
    takes: Takes
    """Whether it takes an arm."""


def _only(form: Form, setting: str) -> ConditionLaw:
    """Return a law of the arms that change one setting alone."""
    return ConditionLaw(
        form=form,
        needs=f"arms that change {setting} alone",
        takes=lambda changed: changed == {setting},
    )


_LAWS = (
    _only(DATA_CONSTRAINED, "unique_tokens"),
    _only(DATA_CONSTRAINED_PARAMS, "unique_tokens"),
    _only(QUALITY_LAW, "permuted_share"),
    ConditionLaw(
        form=WIDTH_OR_DEPTH,
        needs="arms that change nothing but shapes",
        takes=lambda changed: not changed,
    ),
)
CONDITION_LAWS = {law.form.name: law for law in _LAWS}
"""The laws of a loss over sizes, tokens and one training condition."""
