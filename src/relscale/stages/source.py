"""Fetch the files of one source, check them and write their manifest."""

from pathlib import Path

from relscale.files import write_json
from relscale.runtime import run
from relscale.text.sources import fetch_listed
from relscale.text.spec import SourceSpec


def main(
    *,
    spec: SourceSpec,
    manifest: Path,
    files: Path,
    listing: str = "",
    downloads: str = "",
    local_copy: str = "",
) -> None:
    """Fetch one source into the folder `files`.

    `listing` is the workflow's name for a local source's files; `downloads` and `local_copy` are
    those of `relscale.text.sources.fetch`, "" for none.
    """
    fetched = fetch_listed(
        spec.root.name,
        spec.root,
        files,
        listing=listing,
        downloads=Path(downloads) if downloads else None,
        local_copy=Path(local_copy) if local_copy else None,
    )
    write_json(manifest, fetched.model_dump(mode="json"))


if __name__ == "__main__":
    run(main)
