"""Compile the native training step if there is a C compiler, and pack the workflow into wheels.

Without a compiler, models are trained with torch. Everything else about the package is in
pyproject.toml.
"""

import hashlib
import json
import platform
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

FOLDER = Path("src/relscale/training/native")
SOURCES = sorted(path for pattern in ("*.c", "*.h", "*.json") for path in FOLDER.glob(pattern))
"""Everything that decides the compiled library; `native_build.SOURCE_FILES` names the same."""
# Errors of mathematical functions and floating-point traps are ignored, so that loops can use
# vectors. NaN and infinity are kept, even if CFLAGS of the environment say otherwise, because a
# diverging run must be detected.
FLAGS = json.loads((FOLDER / "flags.json").read_text())
PROJECT_FILES = json.loads(Path("src/relscale/workflow/project_files.json").read_text())
"""Files and folders of the workflow; `relscale.workflow.project` finds them in the package."""


class BuildWithWorkflow(build_py):
    """Copy rules, configuration and published numbers into the package of a wheel."""

    def run(self) -> None:
        """Build the modules, then copy; an editable installation uses the files of the checkout."""
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib, "relscale/project")
        shutil.rmtree(folder, ignore_errors=True)
        for name in PROJECT_FILES:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(name).is_dir():
                shutil.copytree(name, target)
            else:
                shutil.copyfile(name, target)


def sources_digest() -> str:
    """Return the digest of the sources, which `relscale.training.native_build` checks."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:16]


class BuildLevels(build_ext):
    """Compile decoder.c for each instruction set of this kind of machine into one library."""

    def build_extension(self, ext: Extension) -> None:
        """Compile the instruction sets that the compiler supports, then the rest as usual."""
        # Always: times of files do not say from which sources a library was built.
        self.force = True
        levels = {"baseline": []}
        if platform.machine().lower() in ("x86_64", "amd64"):
            levels |= FLAGS["x86_levels"]
        for level, flags in levels.items():
            try:
                ext.extra_objects += self.compiler.compile(
                    [str(FOLDER / "decoder.c")],
                    output_dir=str(Path(self.build_temp) / level),
                    macros=[("LEVEL", level)],
                    extra_postargs=[*FLAGS["library"], *FLAGS["kernel"], *flags],
                    depends=ext.depends,
                )
            except Exception as error:
                if level == "baseline":
                    raise
                print(f"native training step: {level} is left out: {error}")
                continue
            ext.define_macros.append((f"HAVE_{level.upper()}", "1"))
        super().build_extension(ext)


setup(
    ext_modules=[
        Extension(
            "relscale.training._native",
            [str(FOLDER / "levels.c")],
            depends=[str(path) for path in SOURCES],
            define_macros=[("SOURCES_DIGEST", f'"{sources_digest()}"')],
            extra_compile_args=FLAGS["library"],
            libraries=["m"],
            optional=True,
        )
    ],
    cmdclass={"build_ext": BuildLevels, "build_py": BuildWithWorkflow},
)
