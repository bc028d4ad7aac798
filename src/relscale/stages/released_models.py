"""Check before any scoring that every released model can be used, and write the suite's table."""

from pathlib import Path

from relscale.files import write_text
from relscale.released.check_models import suite_csv
from relscale.released.spec import ReleasedModelsSpec
from relscale.runtime import run


def main(*, spec: ReleasedModelsSpec, out: Path, out_bill: Path) -> None:
    """Write suite.csv and the bill.

    Raises:
        ValueError: naming every model that cannot be used.
    """
    write_text(out, suite_csv(spec.models, spec.folder))
    curves = {(row.corpus, row.budget) for row in spec.models}
    write_text(
        out_bill,
        f"{len(spec.models)} released models of {len(curves)} IsoFLOP curves are scored; nothing "
        "is trained\n",
    )


if __name__ == "__main__":
    run(main)
