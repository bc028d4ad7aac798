"""What the evaluation asks of a machine, from its runs' sizes and what a family has to score. Pure
functions with light imports."""

from collections.abc import Iterable, Mapping, Sequence

from relscale.config.analysis import Costs
from relscale.config.families import AnyFamily
from relscale.config.training import Training
from relscale.evaluation.batches import scoring_bytes
from relscale.plan.accounting import count_parameters, forward_flops_per_token
from relscale.plan.planned_run import Run
from relscale.resources.request import CUDA_MIB, TORCH_MIB, Needs, cores, mebibytes, minutes

# Where the configuration caps nothing, the plan does not know how much text a source has. These are
# bounds of what is in use: MMLU has 246 questions a subject and some 150 tokens each, the
# model-written evaluations up to 1,000 of some 100 tokens a behaviour, ICE 200 written texts a
# region.
UNCAPPED_DOCUMENTS = 1000
"""Documents of a domain, of a window each."""
UNCAPPED_QUESTIONS = 250
"""Questions of a subject, at four options."""
UNCAPPED_PAIRS = 1000
"""Pairs of a domain, or questions of a behaviour, at two options."""
TOKENS_OF_A_QUESTION = 180
"""Tokens of a question with its options, shown once for each shot."""
TOKENS_OF_A_PAIR = 250
"""Tokens of a prompt with one of its answers."""

SCORING_SHARE = 0.5
"""Scoring's share of the utilisation that training reaches: blocks are not compiled, and batches
smaller."""
READ_BYTES_PER_S = 5e8
"""Bytes of a model that are read in a second."""
REQUEST_TOKENS_PER_S = 1e6
"""Tokens of requests that are put into batches in a second, once for each run."""
REQUEST_BYTES_PER_TOKEN = 50
"""Memory for a token of the requests while they are scored (measured: 42)."""
SAMPLE_BYTES_PER_TOKEN = 100
"""Memory for a token of the requests while they are made (measured: 79)."""
SAMPLE_TOKENS_PER_S = 1e5
"""Tokens that become requests in a second."""
LEAST_MIB = 2000
LEAST_SAMPLE_MIB = 1500
LEAST_SCORING_MINUTES = 60


def tokens_to_score(settings: AnyFamily, context_length: int) -> int:
    """Return the most tokens that a model is given for a family: what its caps allow, else the
    bounds above."""

    def window(tokens: int) -> int:
        return min(tokens, context_length)

    if settings.kind == "validation":
        return settings.max_tokens
    if settings.kind == "continuation":
        both_variants = 2 * settings.num_items
        return (
            both_variants
            * settings.num_options
            * window(settings.context_tokens + settings.continuation_tokens)
        )
    if settings.kind == "documents":
        parts, cap, number = (
            len(settings.domains),
            settings.tokens_per_domain,
            settings.documents_per_domain,
        )
        return parts * _capped(cap, number, UNCAPPED_DOCUMENTS, context_length)
    if settings.kind == "questions":
        parts = sum(len(subjects) for subjects in settings.domains.values())
        shown = window((1 + settings.shots) * TOKENS_OF_A_QUESTION)
        return parts * _capped(
            settings.tokens_per_subject,
            settings.questions_per_subject,
            UNCAPPED_QUESTIONS,
            4 * shown,
        )
    if settings.kind == "pairs":
        parts, cap, number = (
            len(settings.domains),
            settings.tokens_per_domain,
            settings.pairs_per_domain,
        )
    else:
        parts = sum(len(behaviours) for behaviours in settings.domains.values())
        cap, number = settings.tokens_per_behaviour, settings.questions_per_behaviour
    return parts * _capped(cap, number, UNCAPPED_PAIRS, 2 * window(TOKENS_OF_A_PAIR))


def evaluation_needs(runs: Sequence[Run], tokens: int, costs: Costs, training: Training) -> Needs:
    """Estimate what the job asks for that scores some runs on a family, one after another.

    Memory is that of the largest run, time that of all. A run whose recipe trains on a GPU is
    scored on one, in bfloat16 with float32 parameters; the machine's memory holds it twice while it
    is read.

    Args:
        runs: of one IsoFLOP curve.
        tokens: of the family, as `tokens_to_score` gives them.
        costs: what the device does in a second.
        training: its `hours_per_run` is the most that the job asks for: a partition that gives no
            more would let it wait for ever.
    """
    on_gpu = any(run.device == "gpu" for run in runs)
    weights = max(4 * count_parameters(run.shape).total for run in runs)
    batch = max(scoring_bytes(run.shape, "cuda" if on_gpu else "cpu") for run in runs)
    memory = mebibytes(2 * weights + REQUEST_BYTES_PER_TOKEN * tokens + (0 if on_gpu else batch))
    return Needs(
        gpu=int(on_gpu),
        mem_mb=max(LEAST_MIB, memory + (CUDA_MIB if on_gpu else TORCH_MIB)),
        gpu_mem_mb=mebibytes(weights + batch) if on_gpu else 0,
        runtime=max(
            LEAST_SCORING_MINUTES,
            minutes(scoring_seconds(runs, tokens, costs), 60 * training.hours_per_run),
        ),
        cpus_per_task=cores(int(on_gpu)),
    )


def family_needs(tokens: int) -> Needs:
    """Estimate what the job asks for that turns a family's text into so many tokens of requests."""
    memory = LEAST_SAMPLE_MIB + mebibytes(SAMPLE_BYTES_PER_TOKEN * tokens)
    return Needs(gpu=0, mem_mb=memory, gpu_mem_mb=0, runtime=minutes(tokens / SAMPLE_TOKENS_PER_S))


def scoring_seconds(runs: Sequence[Run], tokens: int, costs: Costs) -> float:
    """Return the expected seconds of scoring some runs, one after another, on so many tokens."""
    return sum(_scoring_seconds(run, tokens, costs) for run in runs)


def cells_of(runs: Iterable[Run]) -> dict[tuple[str, str], list[Run]]:
    """Return runs by corpus and budget: those that one evaluation job scores."""
    cells: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        cells.setdefault((run.corpus, run.budget), []).append(run)
    return cells


def cells_needs(
    cells: Mapping[tuple[str, str], Sequence[Run]],
    tokens: Mapping[str, int],
    costs: Costs,
    training: Training,
) -> dict[tuple[str, str, str], Needs]:
    """Return what each evaluation job asks for, by family, corpus and budget; `tokens` are those of
    each family."""
    return {
        (name, *cell): evaluation_needs(runs, number, costs, training)
        for name, number in tokens.items()
        for cell, runs in cells.items()
    }


def _capped(tokens: int | None, number: int | None, bound: int, each: int) -> int:
    """Return the tokens of a part: so many, or so many items of `each` tokens, whichever is less;
    `bound` items where neither is capped."""
    by_number = (bound if number is None else number) * each
    if tokens is None:
        return by_number
    return tokens if number is None else min(tokens, by_number)


def _scoring_seconds(run: Run, tokens: int, costs: Costs) -> float:
    flops = tokens * forward_flops_per_token(run.shape, attention="full", count_softmax=True)
    reading = (
        4 * count_parameters(run.shape).total / READ_BYTES_PER_S + tokens / REQUEST_TOKENS_PER_S
    )
    return (
        costs.start_s
        + reading
        + flops / (costs.peak_flops_per_s * costs.utilisation * SCORING_SHARE)
    )
