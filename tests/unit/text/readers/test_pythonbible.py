"""Reader `pythonbible`."""

import re
from pathlib import Path

import pytest

from relscale.config.load import load_experiment
from relscale.config.readers import PythonBible
from relscale.text.readers import read_documents
from relscale.text.sources import fetch

ROOT = Path(__file__).parents[4]
SETTINGS = PythonBible(kind="pythonbible", files="*/plain_text_bible.py")
VERSES = {
    1001001: "In the beginning 3. was",
    1001002: "the earth, 12 thousand.",
    1002001: "and light",
    40001001: "a new book",
}
"""Text of verses; the first has a number that is not a verse's."""


def module(*, drift=0, heading="", verses=VERSES):
    """Return the module of a package with these verses, whose offsets drift."""
    text, starts, ends = "", {}, {}
    for verse, words in verses.items():
        text += heading if verse % 1000 == 1 else ""
        starts[verse] = max(len(text) + drift, 0)
        text += f" {verse % 1000}. {words}"
        ends[verse] = len(text) + drift
    return (
        "# Automatically generated.\n"
        "from pythonbible.versions import Version\n\n"
        f"bible = Bible(Version.TEST, {text!r}, {starts!r}, {ends!r}, {{}}, {{}}, {{}}, False)\n"
    )


def read(folder: Path, content: str):
    place = folder / "pythonbible_test/plain_text_bible.py"
    place.parent.mkdir(exist_ok=True)
    place.write_text(content, encoding="utf-8")
    return list(read_documents(folder, SETTINGS))


@pytest.mark.parametrize("drift", [0, 3, -4])
def test_each_verse_is_a_document_without_its_number(tmp_path: Path, drift: int) -> None:
    found = read(tmp_path, module(drift=drift))
    assert [one.text.strip() for one in found][:-1] == list(VERSES.values())[:-1]
    # The last verse of the file ends at its offset: no number follows.
    assert "a new book".startswith(found[-1].text.strip()[:6])
    assert [(one.name, one.group) for one in found] == [
        ("1.1.1", "1.1"),
        ("1.1.2", "1.1"),
        ("1.2.1", "1.2"),
        ("40.1.1", "40.1"),
    ]
    assert found[1].where == "pythonbible_test/plain_text_bible.py verse 1.1.2"


def test_a_heading_that_ends_in_a_digit_does_not_hide_the_number(tmp_path: Path) -> None:
    text = module().replace(" 1. and light", "Psalm 11. and light")
    assert "Psalm 11." in text
    shifted = text.replace("1002001: 54", "1002001: 59")
    assert [one.text.strip() for one in read(tmp_path, shifted)][2] == "and light"


def test_the_module_is_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    run = f"import pathlib; pathlib.Path({str(touched)!r}).touch()\n"
    assert len(read(tmp_path, run + module())) == len(VERSES)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("bible = Bible(1, 2", "is not a module of a pythonbible package"),
        ("text = 'no call'", "is not a module of a pythonbible package"),
        ("bible = Bible(V.A, str(1), {1001001: 0}, {1001001: 1})", "of literals"),
        ("bible = Bible(V.A, 'x')", "is not a module of a pythonbible package"),
        ("bible = Bible(V.A, 'x', {1001001: 0}, {1001002: 1})", "of the same verses"),
        ("bible = Bible(V.A, 'x', {1001001: '0'}, {1001001: 1})", "a string and two mappings"),
        ("bible = Bible(V.A, 'x', {}, {})", "a string and two mappings"),
    ],
)
def test_another_module_is_an_error_that_names_the_file(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r"plain_text_bible\.py: .*" + message):
        read(tmp_path, content)


def test_a_verse_whose_number_is_not_near_its_offset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"verse 1\.1\.2: no '2\.' within 8 characters"):
        read(tmp_path, module().replace(" 2. the earth", " and the earth"))


@pytest.mark.network
@pytest.mark.parametrize(
    ("version", "verses", "last"),
    [
        ("wyc", 35346, "The grace of oure Lord Jhesu Crist be with you alle. Amen."),
        ("tyn", 13846, "The grace of oure lorde Iesu Christ be with you all. Amen."),
        ("dr", 32882, "The grace of our Lord Jesus Christ be with you all. Amen."),
        ("kjv", 31102, "The grace of our Lord Jesus Christ [be] with you all. Amen."),
        ("ylt", 31102, "The grace of our Lord Jesus Christ [is] with you all. Amen."),
        ("asv", 31102, "The grace of the Lord Jesus be with the saints. Amen."),
        ("web", 31102, "The grace of the Lord Jesus be with all the saints. Amen."),
    ],
)
def test_the_pinned_translations_have_their_verses_and_no_verse_number(
    tmp_path: Path, request, version: str, verses: int, last: str
) -> None:
    downloads = request.config.getoption("--downloads")
    source = load_experiment(ROOT / "config.yaml").sources[f"bible_{version}"]
    fetch(version, source, tmp_path / "files", downloads=Path(downloads) if downloads else None)
    found = {one.name: one.text for one in read_documents(tmp_path / "files", SETTINGS)}
    assert len(found) == verses
    assert " ".join(found["66.22.21"].split()) == last
    # A few texts have numbers of their own: "12 thousand", "its number is 666.", "0 Lord".
    for name, text in found.items():
        number = int(name.split(".")[2])
        assert not re.match(rf"\s*{number}\.", text), name
        assert not re.search(rf"(?<!\d){number + 1}\.\s*$", text), name
