r"""The three prompts of multiple-choice questions, byte for byte.

With the header "The following are multiple choice questions (with answers) about {subject}.", and
each question, shots and the scored one alike, as

    traditional   "{question}\nA. {a}\nB. {b}\nC. {c}\nD. {d}\nAnswer:"    scored: " A"
    continuation  "Question: {question}\nAnswer:"                         scored: " {a}"
    modified      "{question}\nA. {a}\nB. {b}\nC. {c}\nD. {d}\nAnswer:"    scored: " A. {a}"

A shot is a question followed by its right answer; header, shots and question are joined by blank
lines. Traditional and continuation are the prompts of EleutherAI's lm-evaluation-harness (mmlu,
mmlu_continuation), except for the header of the latter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from relscale.evaluation.requests import text_id
from relscale.evaluation.texts import TextItem

PromptName = Literal["traditional", "continuation", "modified"]
PROMPTS: tuple[PromptName, ...] = get_args(PromptName)
HEADER = "The following are multiple choice questions (with answers) about {subject}."
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class ExamQuestion:
    """A multiple-choice question, before any prompt."""

    question: str
    """Its text."""
    answers: tuple[str, ...]
    """The answers to choose from, two or more."""
    gold: int
    """Index of the right one."""

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            ValueError: if a text is empty, there are fewer than two answers or more than letters,
                or `gold` is not the index of one.
        """
        if not self.question.strip():
            raise ValueError(f"question = {self.question!r} is not a text")
        if not 2 <= len(self.answers) <= len(LETTERS):
            raise ValueError(
                f"{len(self.answers)} answer(s) to {self.question[:60]!r}; there must be "
                f"2 to {len(LETTERS)}"
            )
        for answer in self.answers:
            if not answer.strip():
                raise ValueError(f"an answer to {self.question[:60]!r} is empty: {self.answers!r}")
        if not 0 <= self.gold < len(self.answers):
            raise ValueError(
                f"gold = {self.gold} is not the index of one of the {len(self.answers)} answers to "
                f"{self.question[:60]!r}"
            )


def prompt_items(
    prompt: PromptName,
    questions: Sequence[ExamQuestion],
    shots: Sequence[ExamQuestion],
    *,
    subject: str,
    domain: str,
    header: str = HEADER,
) -> list[TextItem]:
    """Return a subject's questions in one of the prompts.

    The name of an item is made from subject, question and answers, not from the prompt or the
    shots: a question has the same name in all prompts.

    Args:
        prompt: name of the prompt.
        questions: the scored questions.
        shots: solved questions that precede each, in this order.
        subject: the subject; its underscores are shown as spaces.
        domain: the domain that the items belong to.
        header: first line, with a place for the subject; no line if empty.

    Raises:
        ValueError: if the prompt is not known.
    """
    if prompt not in PROMPTS:
        raise ValueError(f"prompt {prompt!r} is not known; the choices are {', '.join(PROMPTS)}")
    parts = [header.format(subject=subject.replace("_", " "))] if header else []
    parts += [shown(prompt, shot) + options(prompt, shot)[shot.gold] for shot in shots]
    prefix = "".join(f"{part}\n\n" for part in parts)
    return [
        TextItem(
            domain=domain,
            stratum=subject,
            item=text_id(subject, shown("continuation", question), *question.answers),
            prefix=prefix,
            context=shown(prompt, question),
            options=options(prompt, question),
            gold=question.gold,
        )
        for question in questions
    ]


def shown(prompt: PromptName, question: ExamQuestion) -> str:
    """Return the text before the answer of a question."""
    text = question.question.strip()
    if prompt == "continuation":
        return f"Question: {text}\nAnswer:"
    return "\n".join([text, *_lettered(question), "Answer:"])


def options(prompt: PromptName, question: ExamQuestion) -> tuple[str, ...]:
    """Return the scored texts: one per answer, with the space after the question."""
    if prompt == "continuation":
        texts = list(question.answers)
    elif prompt == "modified":
        texts = _lettered(question)
    else:
        texts = list(LETTERS[: len(question.answers)])
    return tuple(f" {text}" for text in texts)


def _lettered(question: ExamQuestion) -> list[str]:
    return [
        f"{letter}. {answer}" for letter, answer in zip(LETTERS, question.answers, strict=False)
    ]
