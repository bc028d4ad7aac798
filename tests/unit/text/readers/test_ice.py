"""Reader `ice`."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from relscale.config.readers import AnyReader
from relscale.text.readers import read_documents
from relscale.text.readers.ice import ice_text


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        (
            "<I>\n<ICE-IND:W1A-001#1:1>\n<p> One  two. </p>\n<h> Three </h> four",
            "One two.\n\nThree\n\nfour",
        ),
        ("kept <X> Shakespeare wrote <it>this</it> </X> kept", "kept kept"),
        ("a <X> b <& > c </&> d <&> e </&> f </X> g", "a g"),
        ("a <O> diagram </O><del> struck </del><unclear> word </unclear><fnr> 1 </fnr> b", "a b"),
        # The writer's own form stays, the editor's goes.
        ("they <}> <-> recieved </-> <+> received </+> </}> it", "they recieved it"),
        (
            "<bold> loud </bold> and <quote> said </quote> and <@> Jane </@>",
            "loud and said and Jane",
        ),
        ("caf&eacute; &amp; bar, 3 &lt; 4", "café & bar, 3 < 4"),
        ("a tag without its end <X> loses nothing", "a tag without its end loses nothing"),
        ("one<space>two <l/> three", "one two three"),
        ("<x> lower case </x> rest", "rest"),
        ("", ""),
    ],
)
def test_mark_up(marked, text):
    assert ice_text(marked) == text


def reader(**settings):
    return TypeAdapter(AnyReader).validate_python(settings)


def test_written_files_of_a_folder_a_region(tmp_path: Path):
    for name, text in (
        ("USA/W1A-001.txt", "<p>written</p>"),
        ("USA/S1A-001.txt", "spoken"),
        ("India/sub/w2b-003.txt", "also <X>not</X>"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = [
        (document.domain, document.text)
        for document in read_documents(tmp_path, reader(kind="ice", files="**/*.txt"))
    ]
    assert found == [("India", "also"), ("USA", "written")]
    every = read_documents(tmp_path, reader(kind="ice", files="**/*.txt", written_only=False))
    assert [document.text for document in every] == ["also", "spoken", "written"]
    with pytest.raises(ValueError, match=r"files = '\*\*/S\*': none of 1 files is a written text"):
        list(read_documents(tmp_path, reader(kind="ice", files="**/S*")))
