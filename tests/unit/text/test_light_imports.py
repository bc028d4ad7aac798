"""Modules that the Snakefile loads import no heavy library."""

import subprocess
import sys

HEAVY = {"pandas", "pyarrow", "scipy", "tokenizers", "torch", "transformers", "matplotlib"}
LIGHT = (
    "relscale.config.readers",
    "relscale.contract.text_tables",
    "relscale.text.spec",
    "relscale.text.manifests",
    "relscale.text.tokens_manifest",
    "relscale.text.local_files",
    "relscale.text.end_of_text",
    "relscale.text.mixture",
)


def test_light_modules_import_no_heavy_library() -> None:
    script = f"import sys, {', '.join(LIGHT)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not HEAVY & {name.partition(".")[0] for name in done.stdout.split()}
