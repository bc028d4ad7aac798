"""A file of the configuration is read whole, or refused with file, line and key."""

import pytest

from relscale.config.load import load_experiment, read_yaml


@pytest.fixture
def refusal(tmp_path):
    """Return the message with which a text (or bytes) is refused, without the folder's name."""

    def message(text):
        path = tmp_path / "mine.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ValueError) as caught:
            read_yaml(path)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return message


def test_a_key_given_twice_names_file_line_and_key(refusal):
    text = "suite:\n  seeds: [5]\nlaws: {draws: 200}\nsuite:\n  replicates: []\n"
    assert refusal(text).startswith("mine.yaml:4: the key suite is already given in line 1")
    assert refusal("a:\n  b:\n    c: 1\n    c: 1\n").startswith(
        "mine.yaml:4: the key a.b.c is already given in line 3"
    )
    assert "the key a[1].b is already" in refusal("a: [1, {b: 1, b: 2}]\n")
    assert 'the key "' not in refusal("{\"a\": 1, 'a': 2}")
    assert refusal('{"a": {"x": 1, "y": 2, "x": 3}}').startswith("mine.yaml:1: the key a.x is")


def test_all_such_keys_of_a_file_are_named_at_once(refusal):
    lines = refusal("a: 1\na: 2\nb: {c: 1, c: 2}\nNO: 3\n").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["mine.yaml:2", "mine.yaml:3", "mine.yaml:4"]


def test_merge_keys_and_anchors_are_no_repeats(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x\nd: {<<: [*x, {r: 4}]}\n")
    content = read_yaml(path)
    assert content["b"] == {"p": 1, "q": 3}
    assert content["c"] == content["a"]
    assert content["d"] == {"p": 1, "q": 2, "r": 4}


def test_two_merge_keys_are_refused_with_the_right_form(refusal):
    text = "a: &x {p: 1}\nb: &y {p: 2}\nc:\n  <<: *x\n  <<: *y\n"
    assert "mine.yaml:5" in refusal(text) and "<<: [*a, *b]" in refusal(text)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("NO", "truth value"),
        ("yes", "truth value"),
        ("2019", "number"),
        ("1.5", "number"),
        ("null", "null"),
        ("~", "null"),
        ("2020-01-01", "date"),
    ],
)
def test_a_key_that_yaml_reads_as_something_else_must_be_quoted(refusal, tmp_path, key, kind):
    expected = (
        f'mine.yaml:2: in domains: YAML reads the key {key} as a {kind}: put it in quotes, "{key}"'
    )
    assert refusal(f"domains:\n  {key}: [a]\n") == expected
    quoted = tmp_path / "quoted.yaml"
    quoted.write_text(f'domains:\n  "{key}": [a]\n')
    assert read_yaml(quoted) == {"domains": {key: ["a"]}}


@pytest.mark.parametrize("number", ["010", "-07", "1:30", "0_17", "190:20:30.15"])
def test_numbers_to_the_base_8_or_60_are_refused(refusal, number):
    message = refusal(f"suite: {{seeds: [1, {number}]}}")
    assert f"suite.seeds[1] = {number}" in message and "decimal digits" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "mine.yaml: must be a mapping of keys to values; it is empty"),
        ("# only a comment\n", "mine.yaml: must be a mapping of keys to values; it is empty"),
        ("- a\n- b\n", "mine.yaml: must be a mapping of keys to values; it is a single list"),
        ("words", "mine.yaml: must be a mapping of keys to values; it is a single text"),
        ("a:\n\t- b\n", "mine.yaml:2: is not valid YAML"),
        ("a: [1, 2", "mine.yaml:1: is not valid YAML"),
        ("a: 1\n---\nb: 2\n", "mine.yaml:2: is not valid YAML"),
        ("a: 2019-13-45", "mine.yaml: is not valid YAML: month must be in 1..12"),
        ("a: !!python/object/apply:os.getcwd []", "mine.yaml:1: is not valid YAML"),
        ("? [a, b]\n: 1\n", "mine.yaml:1: a key must be text"),
        ("a: &x [*x]", "mine.yaml: line 1: an alias is part of the value that it repeats"),
        ('a: "x\\0y"', "mine.yaml:1: a: holds a null character"),
        ('a: "\\ud800"', "mine.yaml:1: a: holds a null character or half a surrogate"),
        ("a: Köln".encode("latin-1"), "mine.yaml: is not UTF-8 text (byte 5)"),
        ("a: b".encode("utf-16"), "mine.yaml: is not UTF-8 text (byte 1)"),
        ("a: " + "[" * 60 + "]" * 60, "mine.yaml: is nested more than 40 levels deep"),
        ("a: " + "[" * 3000, "mine.yaml: is nested more than 40 levels deep"),
        ("a: " + "{b: " * 3000, "mine.yaml: is nested more than 40 levels deep"),
    ],
)
def test_what_is_no_configuration_ends_in_one_line(refusal, text, expected):
    message = refusal(text)
    assert message.startswith(expected)
    assert "\n" not in message


def test_a_tab_is_explained(refusal):
    assert "indent with spaces, not with tabs" in refusal("a:\n\t- b\n")


def test_aliases_that_multiply_are_refused_before_they_are_expanded(refusal):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 15)]
    assert "more than 1,000,000 values" in refusal("\n".join(lines))


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbfexperiment: mine\r\nlaws:\r\n  draws: 300\r\n")
    assert read_yaml(path) == {"experiment": "mine", "laws": {"draws": 300}}


def test_what_is_no_file_is_said(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is not a file"):
        read_yaml(tmp_path)
    with pytest.raises(ValueError, match=r"gone\.yaml: not a readable YAML file: no such file$"):
        read_yaml(tmp_path / "gone.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="change to a checkout of relscale"):
        load_experiment("config.yaml")


def test_every_file_that_cannot_be_read_is_named_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_text("- b")
    with pytest.raises(ValueError) as caught:
        load_experiment(tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml")
    lines = str(caught.value).splitlines()
    assert [line.split(".yaml")[0][-1] for line in lines] == ["a", "b", "c"]
