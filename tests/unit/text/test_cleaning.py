"""Cleaning of text."""

import pytest

from relscale.config.readers import TextFiles
from relscale.text.cleaning import clean

PLAIN = TextFiles(kind="text_files", files="*.txt")
MARKUP = TextFiles(kind="text_files", files="*.txt", strip_markup=True)
URLS = TextFiles(kind="text_files", files="*.txt", strip_urls=True)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a  b\t\tc   \n\n\n\nd\n", "a b c\n\nd"),
        ("  indented\n    more", "  indented\n    more"),
        ("cafe\u0301", "café"),
        ("no\u00a0break \u200bzero\ufeff", "no break zero"),
        ("dash \x96 quote \x93x\x94 dots \x85", "dash – quote “x” dots …"),
        ("bell\x07 null\x00 del\x7f", "bell null del"),
        ("lone \ud800surrogate", "lone surrogate"),
        ("o\ufb03ce", "office"),
        ("\n\n text \n", " text"),
        ("", ""),
    ],
)
def test_clean_plain_text(raw: str, cleaned: str) -> None:
    assert clean(raw, PLAIN) == cleaned
    assert clean(cleaned, PLAIN) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("One.<br /><br />Two <i>really</i>.", "One.\n\nTwo really."),
        ("<p>First\n line.</p> <p>Second</p>", "First line.\n\nSecond"),
        ("<p>List</p><ul> <li> a</li> <li> b</li> </ul>", "List\n\na\n\nb"),
        ("x &lt; y &amp; z &eacute;", "x < y & z é"),
        ("<code>&lt;region&gt;</code>", "<region>"),
        ("&lt;p&gt;twice&lt;/p&gt;", "twice"),
        ("1 < 2 and 3 > 2, <3", "1 < 2 and 3 > 2, <3"),
        ("a<!-- no -->b<script>var x;</script>c", "a b c"),
        ("no mark-up", "no mark-up"),
    ],
)
def test_clean_markup(raw: str, cleaned: str) -> None:
    assert clean(raw, MARKUP) == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Read this: http://ow.ly/KiDDJ", "Read this:"),
        ("a https://x.org/y?z=1 b", "a b"),
        ("(see www.example.org/a) end", "(see ) end"),
        ("Watch this video: http:/…", "Watch this video: …"),
        ("httpd is a server", "httpd is a server"),
    ],
)
def test_clean_urls(raw: str, cleaned: str) -> None:
    assert clean(raw, URLS) == cleaned


def test_replacements_come_first() -> None:
    reader = TextFiles(
        kind="text_files", files="*", strip_markup=True, replace={"[": "<", "]": ">"}
    )
    assert clean("a[b]c[/b]", reader) == "ac"
