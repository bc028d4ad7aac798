"""Check before any scoring that every released model can be used, and write the suite's table."""

import logging
from pathlib import Path

from relscale.files import write_text
from relscale.released.bill import released_bill
from relscale.released.check_models import suite_csv
from relscale.released.spec import ReleasedModelsSpec
from relscale.runtime import run

log = logging.getLogger(__name__)


def main(*, spec: ReleasedModelsSpec, out: Path, out_bill: Path) -> None:
    """Write suite.csv and the bill.

    Raises:
        ValueError: naming every model that cannot be used.
    """
    text, remarks = suite_csv(spec)
    for remark in remarks:
        log.warning(remark)
    write_text(out, text)
    write_text(out_bill, released_bill(spec.models) + "".join(f"{line}\n" for line in remarks))


if __name__ == "__main__":
    run(main)
