"""Turn the text of a family into the token sequences that every run is scored on."""

from pathlib import Path

from relscale.evaluation.families import FamilyInputs, family_sample
from relscale.evaluation.requests import write_requests
from relscale.evaluation.spec import FamilySpec
from relscale.evaluation.tokens import TextEncoder
from relscale.files import sha256_of, write_json
from relscale.runtime import run
from relscale.text.tokenizer import load_tokenizer


def main(
    *,
    spec: FamilySpec,
    tokenizer: Path,
    out: Path,
    manifest: Path,
    source: list[Path] | None = None,
    validation: Path | None = None,
) -> None:
    """Write requests and their manifest; a source's files are in files/ next to its manifest."""
    inputs = FamilyInputs.of_folders(
        spec.settings,
        [manifest_of.parent / "files" for manifest_of in source or ()],
        validation=validation,
        documents=spec.documents,
    )
    encoder = TextEncoder(load_tokenizer(tokenizer), str(tokenizer))
    sample = family_sample(spec.family, spec.settings, inputs, spec.context_length, encoder)
    write_requests(sample.items, out)
    account = sample.manifest(spec.family, spec.settings.kind, spec.context_length)
    write_json(manifest, {**account, "sha256": sha256_of(out)})


if __name__ == "__main__":
    run(main)
