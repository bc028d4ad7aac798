"""Files of a source that a glob selects."""

from pathlib import Path

import pytest

from relscale.text.source_files import folder_at, matching_files


def test_no_matching_file_names_glob_and_existing_files(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("x")
    with pytest.raises(ValueError, match=r"no file matches files = '\*\.txt'; it holds there\.md"):
        matching_files(tmp_path, "*.txt")


@pytest.mark.parametrize("pattern", ["/etc/*", "../*.txt", ""])
def test_glob_outside_the_source_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValueError, match="must be a glob inside the source's folder"):
        matching_files(tmp_path, pattern)


def test_the_folder_of_a_level_names_the_domain() -> None:
    assert [folder_at("a/b/c.txt", level) for level in (1, 2)] == ["a", "b"]
    with pytest.raises(ValueError, match=r"a/b/c\.txt: has no folder of level 3"):
        folder_at("a/b/c.txt", 3)
