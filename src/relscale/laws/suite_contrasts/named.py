"""Contrasts by name, as a command gets them: `suite:TREATMENT/BASELINE`."""

from collections.abc import Collection, Iterable

from relscale.config.analysis import SuiteContrast, without_repeated_contrasts

PREFIX = "suite:"


def contrasts_of(
    given: Iterable[SuiteContrast | str], corpora: Collection[str]
) -> tuple[SuiteContrast, ...]:
    """Return contrasts by their names.

    Args:
        given: contrasts, or `suite:TREATMENT/BASELINE`; the names may have slashes.
        corpora: names of the corpora of the table.

    Raises:
        ValueError: for a name of another form, of a corpus that is not there, or of one corpus
            twice, or a contrast that is given twice.
    """
    found = tuple(
        each if isinstance(each, SuiteContrast) else _contrast(each, corpora) for each in given
    )
    return without_repeated_contrasts(found)


def _contrast(text: str, corpora: Collection[str]) -> SuiteContrast:
    """Return the contrast of a name.

    Raises:
        ValueError: as `contrasts_of`.
    """
    parts = text.removeprefix(PREFIX).split("/")
    if not text.startswith(PREFIX) or len(parts) < 2:
        raise ValueError(f"contrast {text!r}: must be {PREFIX}TREATMENT/BASELINE, two corpora")
    splits = [("/".join(parts[:at]), "/".join(parts[at:])) for at in range(1, len(parts))]
    known = [pair for pair in splits if set(pair) <= set(corpora)]
    if len(known) != 1:
        wrong = "is ambiguous" if known else "names a corpus that the table lacks"
        raise ValueError(
            f"contrast {text!r}: {wrong}; the choices are {', '.join(sorted(corpora))}"
        )
    treatment, baseline = known[0]
    if treatment == baseline:
        raise ValueError(f"contrast {text!r}: treatment and baseline must differ")
    return SuiteContrast(treatment=treatment, baseline=baseline)
