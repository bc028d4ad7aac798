"""Models whose losses are predicted, and the spec of a stage that predicts them. Light imports."""

from math import isfinite

from relscale.config.base import Model
from relscale.laws.spec import LawSpec


class NamedModel(Model):
    """A model whose losses are predicted."""

    name: str
    """Name of its run in the table that scores it."""
    params: float
    """N, as the laws count parameters."""
    tokens: float
    """D."""

    @classmethod
    def read(cls, text: str) -> "NamedModel":
        """Read `NAME=PARAMS,TOKENS`.

        Raises:
            ValueError: for another form, or numbers that are not positive.

        Examples:
            >>> NamedModel.read("7B=7e9,2e12").tokens
            2000000000000.0
        """
        name, _, rest = text.rpartition("=")
        words = rest.split(",")
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            numbers = []
        if not name or len(numbers) != 2 or not all(isfinite(n) and n > 0 for n in numbers):
            raise ValueError(
                f"--model {text}: must be NAME=PARAMS,TOKENS with positive numbers, such as "
                "7B=7e9,2e12"
            )
        return cls(name=name, params=numbers[0], tokens=numbers[1])


class RegisterSpec(Model):
    """Spec of the predictions of the runs of the largest budgets on one family."""

    laws: LawSpec
    """Family, baseline, metric and the other settings of the laws."""
    models: dict[str, tuple[NamedModel, ...]]
    """Runs that are predicted, by corpus."""
