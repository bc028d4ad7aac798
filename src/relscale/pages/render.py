"""Jinja2 templates of the pages: how they are read, rendered and counted for staleness.

`render` fills a template. `template_texts` returns the files that a page stage renders, with
everything that these extend or include. The page rules carry a digest of them among their
parameters, next to the digest of the code, which follows Python imports only. Light imports: the
Snakefile loads this module.
"""

import base64
import gzip
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, select_autoescape
from jinja2.meta import find_referenced_templates

FOLDER = Path(__file__).parent / "templates"
PLAIN = (".css", ".js")
"""Endings of files that are included as they are: braces in them are not Jinja2's."""

STAGE_TEMPLATES: dict[str, tuple[str, ...]] = {
    "explorer": ("explorer.html.j2",),
    "findings": ("findings.html.j2", "landing.rst.j2"),
    "front": ("findings.html.j2", "front.html.j2", "landing.rst.j2"),
    "html_table": ("table.html.j2", "table_rows.html.j2"),
    "provenance": ("provenance.html.j2",),
}
"""The templates that each page stage renders."""
TEMPLATES_OF_COMMANDS = ("report.html.j2",)
"""The templates of pages that no stage renders, but a command."""


class PageLoader(BaseLoader):
    """Reads templates from the package, and wraps styles and scripts so that they stay as is."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return a template's source, its path, and a function that says that it is up to date.

        Raises:
            TemplateNotFound: if the package does not have the template.
        """
        path = FOLDER / template
        if not path.is_file():
            raise TemplateNotFound(template)
        source = path.read_text(encoding="utf-8")
        if path.suffix in PLAIN:
            source = f"{{% raw %}}{source}{{% endraw %}}"
        return source, str(path), lambda: True


def escape_rst(text: str) -> str:
    """Escape what reStructuredText takes for markup, and put the text on one line.

    Braces become expressions that give braces: Snakemake's report renders the text with Jinja2
    before it reads the markup.
    """
    escaped = re.sub(r"([\\`*_|])", r"\\\1", " ".join(text.split()))
    return re.sub(r"[{}]", lambda brace: "{{ '" + brace[0] + "' }}", escaped)


@cache
def environment() -> Environment:
    """Return the environment of all pages: HTML is escaped, and a missing value is an error."""
    made = Environment(
        loader=PageLoader(),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["rst"] = escape_rst
    return made


def render(template: str, **values: object) -> str:
    """Fill a template.

    Args:
        template: name of the file in `templates/`.
        **values: names that the template uses.

    Raises:
        jinja2.UndefinedError: if the template uses a name that has no value.
    """
    return environment().get_template(template).render(**values)


def compressed(text: str) -> str:
    """Return text as base64 of gzip without a time stamp, for a page's script to inflate.

    A report holds its pages as addresses of frames. Chromium limits these to two megabytes, and
    they count in full in the size of the report.
    """
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


@cache
def template_closure(template: str) -> tuple[str, ...]:
    """Return the names of a template and of everything that it extends or includes, sorted.

    Raises:
        TemplateNotFound: if a template does not exist.
        ValueError: if a template includes a file whose name is computed.
    """
    made = environment()
    seen: set[str] = set()
    todo = [template]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        source, _, _ = PageLoader().get_source(made, name)
        for found in find_referenced_templates(made.parse(source)):
            if found is None:
                raise ValueError(f"{name}: the name of an included file must be a literal")
            todo.append(found)
    return tuple(sorted(seen))


def template_texts(stage: str) -> dict[str, str]:
    """Return the texts of all files that a page stage renders, by their names.

    Args:
        stage: a key of `STAGE_TEMPLATES`.

    Raises:
        KeyError: if the stage renders no template.
        TemplateNotFound: if a template does not exist.
        ValueError: if a template includes a file whose name is computed.
    """
    names = {name for template in STAGE_TEMPLATES[stage] for name in template_closure(template)}
    return {name: (FOLDER / name).read_text(encoding="utf-8") for name in sorted(names)}
