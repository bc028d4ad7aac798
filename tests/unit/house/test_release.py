"""Files of a release: metadata agree, and a container is only built from an image by digest."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIGEST = "sha256:" + "0a" * 32


def test_metadata_of_the_archives_agree_with_the_project():
    project = PROJECT["project"]
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert zenodo["version"] == citation["version"] == project["version"]
    assert zenodo["license"] == citation["license"] == project["license"]
    assert [creator["name"] for creator in zenodo["creators"]] == [
        author["name"] for author in citation["authors"]
    ]
    assert zenodo["keywords"] == project["keywords"]
    assert citation["references"][0]["identifiers"][0]["value"] in {
        related["identifier"] for related in zenodo["related_identifiers"]
    }


def test_a_doi_is_a_real_one_or_there_is_none():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert re.fullmatch(r"10\.\d{4,9}/\S+", citation.get("doi", "10.5281/zenodo.0"))
    assert "XXXX" not in (ROOT / "CITATION.cff").read_text()


def test_readers_of_metadata_are_pinned():
    for requirement in PROJECT["dependency-groups"]["metadata"]:
        assert re.fullmatch(r"[\w-]+==[\d.]+", requirement)


def make_image(folder, base):
    """Run `make image` with a stand-in for Docker that writes its words."""
    docker = folder / "docker"
    docker.write_text('#!/bin/sh\necho "$@" > "$CALLS"\n')
    docker.chmod(0o755)
    outside = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", "image", f"BASE={base}", f"DOCKER={docker}"],
        cwd=ROOT,
        env={**outside, "CALLS": str(folder / "calls")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "base", ["", "python:3.11-slim-bookworm", "python@sha256:0a", f"python@{DIGEST}b"]
)
def test_an_image_without_a_digest_is_refused(tmp_path, base):
    done = make_image(tmp_path, base)
    assert done.returncode != 0 and "make image needs BASE" in done.stderr
    assert not (tmp_path / "calls").exists()


def test_an_image_by_digest_is_the_one_that_is_built_from(tmp_path):
    done = make_image(tmp_path, f"python:3.11@{DIGEST}")
    assert done.returncode == 0, done.stderr
    assert f"--build-arg BASE=python:3.11@{DIGEST}" in (tmp_path / "calls").read_text()
    instructions = (ROOT / "envs/Dockerfile").read_text()
    assert re.findall(r"^(?:ARG|FROM) .*", instructions, re.MULTILINE) == [
        "ARG BASE",
        "FROM ${BASE}",
    ]


def test_the_workflow_catalogue_finds_the_standard_layout():
    """The catalogue of Snakemake asks for these three files (its README, November 2026)."""
    assert (ROOT / "workflow/Snakefile").is_file() and not (ROOT / "Snakefile").exists()
    assert (ROOT / "config/README.md").is_file()
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    template = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert template == {"experiment": "mine"}
