"""Check before any training or scoring that every domain has text to score."""

from pathlib import Path

from relscale.evaluation.preflight import empty_domains, read_manifest
from relscale.files import read_json, write_json
from relscale.runtime import run


def main(*, family: list[Path], out: Path, tokens: Path | None = None) -> None:
    """Write the names of the families, and the result of the check of the corpora's tokens.

    Raises:
        ValueError: naming every empty domain.
    """
    manifests = [read_manifest(path) for path in family]
    if problems := [problem for manifest in manifests for problem in empty_domains(manifest)]:
        raise ValueError("before any training or scoring:\n  " + "\n  ".join(problems))
    checked = read_json(tokens) if tokens else {}
    families = sorted({manifest.family for manifest in manifests})
    write_json(out, {**checked, "families": families})


if __name__ == "__main__":
    run(main)
