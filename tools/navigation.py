"""Fill sections of the site's navigation from folders (a hook of MkDocs, see mkdocs.yml).

A string with `*` in the navigation stands for all pages that match it.
"""

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Replace the patterns in the navigation by pages."""
    config["nav"] = expanded(config["nav"], Path(config["docs_dir"]))
    return config


def expanded(entries: list[Any], docs: Path) -> list[Any]:
    """Return navigation entries with their patterns replaced by the pages that match."""
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            found += [
                {title: expanded(below, docs) if isinstance(below, list) else below}
                for title, below in entry.items()
            ]
        elif "*" in entry:
            found += [str(path.relative_to(docs)) for path in sorted(docs.glob(entry))]
        else:
            found.append(entry)
    return found
