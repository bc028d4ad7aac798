"""Turn the files of a family into the texts that every released model is scored on."""

from pathlib import Path

from relscale.evaluation.families import family_texts
from relscale.files import sha256_of, write_json
from relscale.released.spec import TextsSpec
from relscale.released.text_table import texts_manifest, write_texts
from relscale.runtime import run


def main(
    *,
    spec: TextsSpec,
    source: list[Path],
    out: Path,
    manifest: Path,
) -> None:
    """Write texts and their manifest; the files of a source are in files/ next to its manifest."""
    folders = [manifest_of.parent / "files" for manifest_of in source]
    texts = family_texts(spec.family, spec.settings, *folders)
    write_texts(texts, out)
    account = texts_manifest(texts, spec.family, spec.settings.kind)
    write_json(manifest, {**account, "sha256": sha256_of(out)})


if __name__ == "__main__":
    run(main)
