"""Where the workflow's own files are, and whether another workflow imports it as a module."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

IS_MODULE = not workflow.modifier.is_main_snakefile()
# The folder of config.yaml, CITATION.cff and workflow/. In a checkout it has the package as well;
# otherwise the installed package is used.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
SOURCE_CODE = HOME / "src" if (HOME / "src/relscale").is_dir() else None
if SOURCE_CODE is not None:
    sys.path.insert(0, str(SOURCE_CODE))

try:
    from relscale.workflow.project import own_files, project_folder
except ModuleNotFoundError as error:
    if error.name != "relscale":
        raise
    raise WorkflowError(
        "the package relscale is not installed for the Python that runs Snakemake "
        f"({sys.executable}): install it there"
    ) from None

if not HOME.is_dir():  # a remote module; only its rules are local
    HOME = project_folder()
OWN = own_files(HOME)
