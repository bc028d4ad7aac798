"""The recipe docs/developer/adding-a-reader.md, followed step by step on a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
REGISTRY = Path(__file__).with_name("test_registry.py")


def test_the_recipe_adds_a_reader_that_works(tmp_path: Path) -> None:
    recipe = (ROOT / "docs/developer/adding-a-reader.md").read_text(encoding="utf-8")
    settings, union, behaviour, test = re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)
    ignored = shutil.ignore_patterns("__pycache__", "native")
    shutil.copytree(ROOT / "src/relscale", tmp_path / "src/relscale", ignore=ignored)

    declared = tmp_path / "src/relscale/config/readers.py"
    text = declared.read_text(encoding="utf-8")
    new = union.partition("    | ...")[0]
    old = new.replace("    | TsvRows\n", "")
    assert new != old and text.count(old) == 1
    declared.write_text(text.replace(old, f"{settings}\n\n{new}"), encoding="utf-8")
    (tmp_path / "src/relscale/text/readers/tsv_rows.py").write_text(behaviour, encoding="utf-8")
    (tmp_path / "test_tsv_rows.py").write_text(test, encoding="utf-8")
    shutil.copy(REGISTRY, tmp_path)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout + done.stderr
