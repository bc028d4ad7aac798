"""Reader `text_files`."""

from pathlib import Path

import pytest

from relscale.config.readers import TextFiles
from relscale.text.readers import read_documents
from relscale.text.readers.text_files import split_text

PLAIN = TextFiles(kind="text_files", files="*.txt")


def test_text_files_come_in_sorted_order_without_the_excluded(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "a_f.txt"):
        (tmp_path / name).write_text(name)
    reader = TextFiles(kind="text_files", files="*.txt", exclude=["*_f.txt"])
    assert [(one.text, one.where) for one in read_documents(tmp_path, reader)] == [
        ("a.txt", "a.txt part 1"),
        ("b.txt", "b.txt part 1"),
    ]


def test_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"a\.txt line 1: not UTF-8 text"):
        list(read_documents(tmp_path, PLAIN))


def test_split_keeps_short_headings_with_what_follows() -> None:
    scene = "SCENE I.\n" + "To be. " * 40 + "\n"
    text = "HAMLET " * 30 + "\nACT I.\n\n" + scene + scene.replace("SCENE I", "SCENE II")
    pieces = split_text(text, "(ACT|SCENE) [IVX]+")
    assert "".join(pieces) == text
    assert [piece[:8] for piece in pieces] == ["HAMLET H", "ACT I.\n\n", "SCENE II"]


def test_long_pieces_are_cut_at_blank_lines_or_else_line_breaks() -> None:
    paragraph = "x" * 290 + " end."
    text = "\n\n".join([paragraph] * 4)
    assert split_text(text, max_characters=500) == [f"{paragraph}\n\n{paragraph}"] * 2
    verse = "\n".join(["y" * 99] * 20)
    pieces = split_text(verse, max_characters=500)
    assert "\n".join(pieces) == verse
    # A last piece of 199 characters would be below the shortest: it stays with the one before.
    assert [len(piece) for piece in pieces] == [599, 599, 799]
