"""The prefix of every shell command of the workflow: which Python and which package a job uses."""

from pathlib import Path
from shlex import quote


def shell_prefix(source_code: Path, interpreter: Path | None) -> str:
    """Return the commands in front of every shell command, as Snakemake formats them.

    Tiny models are slower with several threads, and fixed hashing keeps outputs byte-identical.

    Args:
        source_code: folder of the package; jobs use this checkout's package.
        interpreter: Python that runs the jobs; None if Snakemake deploys environments itself.

    Raises:
        ValueError: if the path of the checkout has braces, which Snakemake takes for wildcards in
            the paths of rules, or if a path has a colon, which separates the entries of PATH.
    """
    if "{" in str(source_code) or "}" in str(source_code):
        raise ValueError(
            f"{source_code.parent}: Snakemake takes braces in the path of a workflow for "
            "wildcards: move or rename the folder"
        )
    settings = [f"PYTHONPATH={_quoted(source_code)}", "PYTHONHASHSEED=0"]
    settings += ["RAYON_NUM_THREADS=1", "TOKENIZERS_PARALLELISM=false"]
    if interpreter is not None:
        settings.insert(0, f"PATH={_quoted(interpreter.parent)}:$PATH")
    return f"export {' '.join(settings)}; "


def _quoted(folder: Path) -> str:
    """Quote a folder for the shell; Snakemake reads two braces as one."""
    if ":" in str(folder):
        raise ValueError(
            f"{folder}: a path with a colon cannot be in PATH or PYTHONPATH: move or rename the "
            "folder"
        )
    return quote(str(folder)).replace("{", "{{").replace("}", "}}")
