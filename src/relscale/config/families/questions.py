"""Settings of families of kind `questions`: multiple-choice questions grouped by subject."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from relscale.config.base import WHOLE, ByLabel, Flag, Name
from relscale.config.families.base import (
    Cap,
    Problem,
    SourceFamily,
    Surroundings,
    Values,
)
from relscale.config.groups import MMLU_GROUPS
from relscale.contract.metrics import METRICS

Prompt = Literal["traditional", "continuation", "modified"]

NUM_ANSWERS = 4
"""Answers of a question in all forms that are read."""
UNCAPPED_QUESTIONS = 250
"""Assumed questions of a subject without a cap; MMLU has 246 on average."""
TOKENS_OF_A_QUESTION = 180
"""Assumed tokens of a question with its options, shown once for each shot; MMLU has about 150."""


class QuestionFamily(SourceFamily):
    """Multiple-choice questions, grouped into domains by subject."""

    averages_over_strata: ClassVar[bool] = True
    cap_keys: ClassVar[tuple[str, str]] = ("questions_per_subject", "tokens_per_subject")

    kind: Literal["questions"]
    form: Literal["embedded", "original", "hub"] = "embedded"
    """Form of a question in a file. `embedded`: records with question, answer_a .. answer_d,
    correct_answer, topic. `original`: CSV files without a header, with question, four answers and a
    letter, one file per subject (x_test.csv, x_dev.csv). `hub`: records with question, subject,
    choices and answer (an index), as Parquet or JSON lines."""
    file: str
    """Glob of the files inside the source; one file for `embedded`."""
    shots_file: str | None = None
    """Glob of the files with the questions that are shown solved (the dev split), inside the same
    source."""
    shots_source: Name | None = None
    """Key of `sources` for `shots_file`, if it is not the same source (on the Hub, each split is a
    source)."""
    domains: Annotated[ByLabel[Values], Field(min_length=1)] = MMLU_GROUPS
    """Domains by name: the subjects that belong to each, in lower case with spaces. Default: the
    standard four groups of MMLU."""
    prompt: Prompt = "continuation"
    """Shown and scored text: letters after question and answers (traditional), the answers' texts
    after the question alone (continuation), or letters with texts after question and answers
    (modified)."""
    shots: Annotated[int, Field(ge=0), WHOLE] = 0
    """Solved questions of the subject that are shown before each question."""
    header: Flag = False
    """Begin with the line "The following are multiple choice questions (with answers) about
    ..."."""
    shots_per_subject: Annotated[int, Field(ge=0), WHOLE] = 5
    """Without `shots_file`: first questions of each subject that are kept for `shots` and never
    scored."""
    tokens_per_subject: Cap = None
    """Tokens scored per subject, counted by the suite's tokenizer, so that a new subject does not
    change the samples of others; all if left out. Only items that fit the window are scored."""
    questions_per_subject: Cap = None
    """Maximum of questions scored per subject: the cap for models with tokenizers of their own."""

    def sources(self) -> list[str]:
        """Return the source of the questions, and that of the solved ones if it is another."""
        return [self.source, *([self.shots_source] if self.shots_source else [])]

    def text_spec(self) -> dict[str, Any]:
        """Return source and files, and the form if it is not `embedded`."""
        further = {"form"} if self.form != "embedded" else set()
        return self.model_dump(mode="json", include={"kind", "source", "file"} | further)

    def reported_metrics(self) -> list[str]:
        """Return the metrics, and bits per byte of the right answer if it is not among them."""
        extra = [] if "bits_per_byte" in self.metrics else ["bits_per_byte"]
        return [*self.metrics, *extra]

    def needs_all_options(self) -> bool:
        """Return whether a metric needs them: bits per byte needs the right answer only."""
        return any(METRICS[name].needs == "options" for name in self.metrics)

    def fixed_options(self) -> int | None:
        """Return the number of answers."""
        return NUM_ANSWERS

    def compared_prompt(self) -> str | None:
        """Return the prompt if the choice among the answers is scored."""
        return self.prompt if "choice_loss_nats" in self.metrics else None

    def tokens_to_score(self, context_length: int) -> int:
        """Return the caps of all subjects, or all options of the assumed questions."""
        shown = min((1 + self.shots) * TOKENS_OF_A_QUESTION, context_length)
        each = self.tokens_per_stratum(uncapped=UNCAPPED_QUESTIONS, each=NUM_ANSWERS * shown)
        return self.num_parts() * each

    def problems(self, rest: Surroundings) -> list[Problem]:
        """Check the shots, in addition to the checks of all families."""
        problems = super().problems(rest)
        if self.shots_source is not None:
            if self.shots_file is None:
                problems.append((("shots_source",), "needs `shots_file` as well"))
            problems += rest.missing_source("shots_source", self.shots_source)
        if self.shots_file is None and self.shots > self.shots_per_subject:
            message = (
                f"more than shots_per_subject = {self.shots_per_subject}, the questions kept as "
                "shots; lower it, or give `shots_file`"
            )
            problems.append((("shots",), message))
        return problems
