"""Check the language of everything that a person reads (part of `make check`).

Docstrings, comments, messages, help texts, Markdown, reStructuredText, pages and comments of YAML
must not contain the forms that `RULES` lists, and lines have at most 100 columns. Code in Markdown
and in backticks is skipped. `tools/prose_allowed.txt` lists quotations and other exceptions.
Only the standard library is imported.
"""

import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = ROOT / "tools/prose_allowed.txt"
MADE = ROOT / "docs/sample"
"""Pages that tools/sample_pages.py writes; their texts are checked where they are made."""
COLUMNS = 100
FOLDERS = (
    ".ci",
    "benchmarks",
    "docs",
    "envs",
    "experiments",
    "profiles",
    "src",
    "tests",
    "tools",
    "workflow",
)
CODE = {".py", ".smk"}
TEXT = {".md", ".rst", ".html", ".j2"}
HASH = {".yaml", ".yml", ".toml", ".txt", ".in", ".sh"}
SLASH = {".js", ".css"}
NAMED = {"Snakefile": ".py", "Makefile": ".yaml", "Dockerfile": ".yaml", "run": ".yaml"}
UNITS = (
    "run|corpus|domain|row|column|job|token|step|budget|family|document|file|line|decade|second|"
    "core|hour|minute|day|question|size|layer|GPU|model|table|figure|suite|item|page|shard|"
    "checkpoint|seed|curve|process|subject|behaviour|rank|gap|metric|call|machine|node|week"
)
NUMBER = r"(?:an?|one|two|three|four|five|six|eight|ten|\d+(?:[.,]\d+)*)"
NOT_A_UNIT = (
    r"(?!(?:is|as|of|in|on|to|for|by|with|from|and|or|than|per|that|at|into|was|has|where|when|if|"
    r"whether|before|after|until|over|like|gives|needs|makes|such) )"
)


@dataclass(frozen=True)
class Rule:
    """A form that is not written here."""

    pattern: re.Pattern[str]
    """Matches the form, unless its group `fine` matches; a space matches any white space."""
    advice: str
    """The form to write instead."""


def rule(pattern: str, advice: str) -> Rule:
    """Compile a rule."""
    return Rule(re.compile(pattern.replace(" ", r"(?:(?!\n\s*\n)[\s#])+"), re.IGNORECASE), advice)


RULES = (
    rule(r"\b(?:is|are|was|were|be|been|being) told\b", "gets, reads, receives"),
    rule(r"\btold from\b", "differs from, distinguished from"),
    rule(r"\btells? whether\b", "return whether, check whether"),
    rule(r"\bspeaks? against\b", "problems with"),
    rule(r"\b(?:is|are|was|were) had\b|\bthat it has not\b", "has, is missing"),
    rule(r"\b(?:stands|stand|stood)\b(?!-| for\b| out\b)", "is, is in"),
    rule(
        r"\b(?:lies|lie|lay)\b"
        r"(?! (?:between|outside|inside|within|above|below|beyond|on the|out)\b)",
        "is in",
    ),
    rule(r"\bso many\b", "at most n, that number of"),
    rule(r"\bbeside\b", "next to, in addition to, compared with"),
    rule(r"\b(?:goes|go|went|gone|going) on\b(?! (?:a|the) )", "resumes, continues"),
    rule(rf"\b{NUMBER} {NOT_A_UNIT}[a-z][\w-]* an? (?:{UNITS})\b", "per run, per corpus"),
    rule(rf"\b(?:row|rows|folder|folders|file|files|jobs?) an? (?:{UNITS})\b", "per run, per row"),
    rule(
        r"\b(?:an?|the|any|every|no|some|of|with|in|from|by|for|on|has|have) own\b",
        "its own, your own",
    ),
    rule(
        r"\b(?P<fine>there )?(?:is|are|was|were) no\b"
        r"(?! (?:longer|more|fewer|less|larger|smaller|better|worse|greater|different|need)\b)",
        "is not a",
    ),
    rule(r"(?:\A|\n\n|[.!?:] |[|#>*-] )(?-i:What)\b(?![^.?!]*\?)", "name the thing"),
    rule(
        r"\b(?:return|returns|say|says|said|show|shows|keep|keeps|list|lists|of|from|with|by|for|"
        r"than|is|are|was|as|on|in|at|or|but|only|exactly|about|all|match|against|reads?|writes?|"
        r"holds?|takes?|does|do|gives?|get|gets|make|makes) what\b(?! to\b)",
        "name the thing: inputs, settings, ...",
    ),
)


@dataclass(frozen=True)
class Finding:
    """A place where a rule is broken."""

    path: Path
    line: int
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text!r}; write: {self.advice}"


def blocks(path: Path, content: str) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file: (line number, text)."""
    kind = NAMED.get(path.name, path.suffix)
    if kind in CODE:
        yield from _code_blocks(content, messages="tests" not in path.parts)
    elif kind in TEXT:
        yield 1, re.sub(r"^(```|~~~).*?^\1", _blank, content, flags=re.MULTILINE | re.DOTALL)
    elif kind in HASH:
        yield 1, re.sub(r"^(?:[^#\n]|#(?! ))*", _blank, content, flags=re.MULTILINE)
    elif kind in SLASH:
        for match in re.finditer(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", content, re.DOTALL):
            yield content.count("\n", 0, match.start()) + 1, match.group()


def _blank(match: re.Match[str]) -> str:
    """Keep only the line ends of a match."""
    return "\n" * match.group().count("\n")


def _code_blocks(content: str, *, messages: bool) -> Iterator[tuple[int, str]]:
    """Yield docstrings, comments and messages; consecutive comment lines are one block."""
    comment: list[str] = []
    start = last = 0
    begins = True
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] != last + 1:
                yield start, "\n".join(comment)
                comment = []
            start = start if comment else token.start[0]
            last = token.start[0]
            comment.append(token.string.lstrip("# "))
        elif token.type == tokenize.STRING and (begins or messages):
            text = re.sub(r"^\w*(\"\"\"|'''|\"|')|(\"\"\"|'''|\"|')$", "", token.string)
            if len(text.split()) >= 3:
                yield token.start[0], text
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            begins = token.type in (
                tokenize.NEWLINE,
                tokenize.INDENT,
                tokenize.DEDENT,
                tokenize.ENCODING,
            )
    if comment:
        yield start, "\n".join(comment)


def findings(path: Path, content: str) -> list[Finding]:
    """Return the broken rules of one file."""
    name = path.relative_to(ROOT) if path.is_absolute() else path
    found: list[Finding] = []
    for first, raw in blocks(path, content):
        text = re.sub(r"``[^`]+``|`[^`\n]+`", lambda match: "`" * len(match.group()), raw)
        for each in RULES:
            for match in each.pattern.finditer(text):
                if match.groupdict().get("fine"):
                    continue
                line = first + text.count("\n", 0, match.start())
                found.append(Finding(name, line, " ".join(match.group().split()), each.advice))
    return found + _long_lines(name, content)


def _long_lines(path: Path, content: str) -> list[Finding]:
    if path.suffix in {".py", ".html", ".j2", ".rst", ".txt", ".css"}:
        return []  # ruff checks Python; pages, captions and lists are data
    return [
        Finding(path, number, f"{len(line)} columns", f"at most {COLUMNS} columns")
        for number, line in enumerate(content.splitlines(), 1)
        if len(line) > COLUMNS
        and not re.search(r"^\s*\||https?://", line)
        and (path.suffix not in HASH or "#" in line)  # long values are data
        and not (path.suffix == ".smk" and re.search(r'\bf".*",?$', line))  # a long path
    ]


def allowed() -> list[tuple[str, str]]:
    """Return the exceptions: (path, text that the line contains)."""
    lines = ALLOWED.read_text(encoding="utf-8").splitlines() if ALLOWED.is_file() else []
    pairs = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
    return [(path, text) for path, text in pairs]


def read_files() -> Iterator[Path]:
    """Yield all files with prose."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and (path.suffix in CODE | TEXT | HASH or path.name in NAMED):
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            known = path.suffix in CODE | TEXT | HASH | SLASH or path.name in NAMED
            if known and MADE not in path.parents:
                yield path


def main() -> None:
    """Print every finding; exit code 1 if there is one. Paths as arguments limit the search."""
    chosen = [Path(word).resolve() for word in sys.argv[1:]]
    exceptions = allowed()
    found: list[Finding] = []
    for path in read_files():
        if chosen and not any(path == place or place in path.parents for place in chosen):
            continue
        if path == ALLOWED or path == Path(__file__):
            continue
        content = path.read_text(encoding="utf-8")
        lines = content.splitlines()
        found += [
            finding
            for finding in findings(path, content)
            if not any(
                str(finding.path) == name and text in lines[finding.line - 1]
                for name, text in exceptions
            )
        ]
    for finding in found:
        print(finding)
    if found:
        counts = Counter("/".join(finding.path.parts[:3]) for finding in found)
        for place, count in sorted(counts.items()):
            print(f"{count:5d}  {place}")
        sys.exit(f"{len(found)} place(s) to rewrite")


if __name__ == "__main__":
    main()
