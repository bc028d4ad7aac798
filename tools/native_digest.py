"""Write the digest of the C sources into `relscale.training.native_library` (`make native-digest`).

The module compares the digest with that of the compiled library, so that a stale library is not
used. `SOURCES` has to change with the sources, because the code digest of training sees Python
modules only.
"""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "src/relscale/training/native"
MODULE = ROOT / "src/relscale/training/native_library.py"


def main() -> None:
    """Replace the value of `SOURCES`."""
    sources = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.[ch]")))
    digest = hashlib.sha256(sources).hexdigest()[:16]
    text, count = re.subn(
        r'^SOURCES = "\w*"$', f'SOURCES = "{digest}"', MODULE.read_text(), flags=re.MULTILINE
    )
    if count != 1:
        raise SystemExit(f"{MODULE}: expected one line that assigns SOURCES, found {count}")
    MODULE.write_text(text)


if __name__ == "__main__":
    main()
