import pytest

from relscale.evaluation.exam_prompts import PROMPTS, ExamQuestion, prompt_items

SHOTS = [
    ExamQuestion(question="What is 1 + 1?", answers=("1", "2", "3", "4"), gold=1),
    ExamQuestion(question="Which is even?  ", answers=("one", "three", "five", "six"), gold=3),
]
QUESTION = ExamQuestion(
    question="Is 0 a natural number?\nSome say:",
    answers=("yes", "no", "it depends", "naïve 中"),
    gold=2,
)
TRADITIONAL = (
    "The following are multiple choice questions (with answers) about abstract algebra.\n\n"
    "What is 1 + 1?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: B\n\n"
    "Which is even?\nA. one\nB. three\nC. five\nD. six\nAnswer: D\n\n"
    "Is 0 a natural number?\nSome say:\nA. yes\nB. no\nC. it depends\nD. naïve 中\nAnswer:"
)
CONTINUATION = (
    "The following are multiple choice questions (with answers) about abstract algebra.\n\n"
    "Question: What is 1 + 1?\nAnswer: 2\n\n"
    "Question: Which is even?\nAnswer: six\n\n"
    "Question: Is 0 a natural number?\nSome say:\nAnswer:"
)
MODIFIED = TRADITIONAL.replace("Answer: B", "Answer: B. 2").replace("Answer: D", "Answer: D. six")


@pytest.mark.parametrize(
    ("prompt", "whole", "options"),
    [
        ("traditional", TRADITIONAL, (" A", " B", " C", " D")),
        ("continuation", CONTINUATION, (" yes", " no", " it depends", " naïve 中")),
        ("modified", MODIFIED, (" A. yes", " B. no", " C. it depends", " D. naïve 中")),
    ],
)
def test_each_prompt_byte_for_byte(prompt, whole, options):
    (item,) = prompt_items(prompt, [QUESTION], SHOTS, subject="abstract_algebra", domain="STEM")
    assert item.prefix + item.context == whole
    assert item.options == options
    assert (item.gold, item.domain, item.stratum) == (2, "STEM", "abstract_algebra")


def test_a_question_has_one_name_in_all_prompts_and_another_in_another_subject():
    names = {
        prompt_items(prompt, [QUESTION], SHOTS, subject="a", domain="d")[0].item
        for prompt in PROMPTS
    }
    names.add(prompt_items("traditional", [QUESTION], [], subject="a", domain="d")[0].item)
    assert len(names) == 1
    assert (
        prompt_items("traditional", [QUESTION], SHOTS, subject="b", domain="d")[0].item not in names
    )


def test_the_prefix_is_shared_and_nothing_without_header_and_shots():
    items = prompt_items("modified", [*SHOTS, QUESTION], SHOTS, subject="a", domain="d")
    assert len({item.prefix for item in items}) == 1
    (item,) = prompt_items("continuation", [QUESTION], [], subject="a", domain="d", header="")
    assert item.prefix == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"question": " \n"}, "is not a text"),
        ({"answers": ("yes",)}, r"1 answer\(s\) to 'Why\?'"),
        ({"answers": ("yes", " ")}, "an answer to 'Why\\?' is empty"),
        ({"gold": 2}, "gold = 2 is not the index of one of the 2 answers"),
        ({"gold": -1}, "gold = -1 is not the index of one of the 2 answers"),
    ],
)
def test_a_question_that_cannot_be_asked(values, message):
    with pytest.raises(ValueError, match=message):
        ExamQuestion(**{"question": "Why?", "answers": ("yes", "no"), "gold": 0, **values})


def test_an_unknown_prompt():
    with pytest.raises(
        ValueError,
        match="prompt 'letters' is not known; the choices are traditional, continuation, modified",
    ):
        prompt_items("letters", [QUESTION], [], subject="a", domain="d")
