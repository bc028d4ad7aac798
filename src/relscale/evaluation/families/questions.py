"""Items of families of kind `questions`: multiple-choice questions in one of three prompts."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from relscale.config.families import QuestionFamily
from relscale.evaluation.exam_prompts import ExamQuestion, prompt_items
from relscale.evaluation.families.base import raise_no_text
from relscale.evaluation.families.stratified import StratifiedItems, Stratum
from relscale.evaluation.samples import Account
from relscale.text.exams import ExamRecord, read_questions

Subjects = dict[str, list[ExamRecord]]


class QuestionItems(StratifiedItems[QuestionFamily]):
    """Multiple-choice questions; a subject is a stratum."""

    def strata(self) -> tuple[list[Stratum], Account]:
        """Return the questions by subject.

        Raises:
            ValueError: naming file and line of a broken record; naming the key and the choices if a
                subject has no question or too few solved ones.
        """
        family, account = self.settings, Account()
        questions = self._by_subject(self.source, family.file)
        solved = None
        if family.shots_file:
            shots_files = self.inputs.shots_source or self.source
            solved = self._by_subject(shots_files, family.shots_file)
        used = {subject for subjects in family.domains.values() for subject in subjects}
        account.outside.update(
            {
                subject: len(rows)
                for subject, rows in sorted(questions.items())
                if subject not in used
            }
        )
        strata = []
        for domain, subjects in family.domains.items():
            for subject in subjects:
                scored, shots = self._scored_and_shots(domain, subject, questions, solved)
                account.left_out[domain]["kept_for_shots"] += len(questions.get(subject, [])) - len(
                    scored
                )
                header = {} if family.header else {"header": ""}
                items = prompt_items(
                    family.prompt,
                    _asked(scored),
                    _asked(shots),
                    subject=subject,
                    domain=domain,
                    **header,
                )
                strata.append(Stratum(domain=domain, name=subject, items=items))
        return strata, account

    def _scored_and_shots(
        self, domain: str, subject: str, questions: Subjects, solved: Subjects | None
    ) -> tuple[list[ExamRecord], list[ExamRecord]]:
        """Return the scored questions of a subject and the solved ones shown before each.

        Raises:
            ValueError: naming the key, if there are none or too few.
        """
        family = self.settings
        rows = questions.get(subject, [])
        scored = rows[0 if solved is not None else family.shots_per_subject :]
        shots = (rows if solved is None else solved.get(subject, []))[: family.shots]
        if not scored:
            present = {key: len(value) for key, value in questions.items()}
            raise_no_text(f"families.{self.name}.domains.{domain}", [subject], present)
        if len(shots) < family.shots:
            where = (
                f"shots_file = {family.shots_file!r}"
                if family.shots_file
                else f"shots_per_subject = {family.shots_per_subject}"
            )
            raise ValueError(
                f"families.{self.name}.shots = {family.shots}: {where} gives subject {subject!r} "
                f"only {len(shots)}"
            )
        return scored, shots

    def _by_subject(self, files: Path, pattern: str) -> Subjects:
        questions: Subjects = defaultdict(list)
        for record in read_questions(files, pattern, self.settings.form):
            questions[record.subject].append(record)
        return questions


def _asked(records: Iterable[ExamRecord]) -> list[ExamQuestion]:
    return [
        ExamQuestion(question=record.question, answers=record.answers, gold=record.gold)
        for record in records
    ]
