"""The prefix of every shell command of the workflow: which Python and which package a job uses."""

from pathlib import Path
from shlex import quote


def shell_prefix(
    source_code: Path | None, interpreter: Path | None, is_module: bool = False
) -> str:
    """Return the commands in front of every shell command, as Snakemake formats them.

    Tiny models are slower with several threads, and fixed hashing keeps outputs byte-identical.

    Args:
        source_code: folder of the package; jobs use this checkout's package. None if the package is
            installed for the interpreter.
        interpreter: Python that runs the jobs; None if Snakemake deploys environments itself.
        is_module: whether another workflow imports this one. Its commands get the same prefix, so
            its module path is kept.

    Raises:
        ValueError: if the path of the checkout has braces, which Snakemake takes for wildcards in
            the paths of rules, if a path has a colon, which separates the entries of PATH, or if
            Snakemake deploys environments and there is no checkout.
    """
    if source_code is None and interpreter is None:
        raise ValueError(
            "relscale is installed, not checked out, and the environments that Snakemake deploys "
            "do not have it: leave --software-deployment-method out, or use a checkout"
        )
    if source_code is not None and ("{" in str(source_code) or "}" in str(source_code)):
        raise ValueError(
            f"{source_code.parent}: Snakemake takes braces in the path of a workflow for "
            "wildcards: move or rename the folder"
        )
    settings = ["PYTHONHASHSEED=0", "RAYON_NUM_THREADS=1", "TOKENIZERS_PARALLELISM=false"]
    if source_code is not None:
        others = escaped("${PYTHONPATH:+:$PYTHONPATH}") if is_module else ""
        settings.insert(0, f"PYTHONPATH={_quoted(source_code)}{others}")
    if interpreter is not None:
        settings.insert(0, f"PATH={_quoted(interpreter.parent)}:$PATH")
    return f"export {' '.join(settings)}; "


def escaped(text: str) -> str:
    """Return a text for `shell.prefix`; Snakemake reads two braces as one."""
    return text.replace("{", "{{").replace("}", "}}")


def _quoted(folder: Path) -> str:
    """Quote a folder for the shell and for Snakemake."""
    if ":" in str(folder):
        raise ValueError(
            f"{folder}: a path with a colon cannot be in PATH or PYTHONPATH: move or rename the "
            "folder"
        )
    return escaped(quote(str(folder)))
