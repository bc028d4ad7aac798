"""Configuration to suite: which runs there are, and everything that defines each of them.

Pure functions with light imports: the Snakefile plans with them before any job. Three recipes, one
function each.
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from relscale.config.suite import Chinchilla, CpuSmall, Marin2025, Suite
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.plan.accounting import (
    TRAINING_OVER_FORWARD,
    count_parameters,
    forward_flops_per_token,
    steps_for,
)
from relscale.plan.architecture import Choices, RopeScaling, Shape

MLP_MULTIPLE = 16
"""`cpu_small` and `chinchilla` round the MLP's width, 8/3 of the model's, to a multiple of this."""
MARIN_CHOICES = Choices(
    norm_epsilon=1e-5, rope_theta=500_000.0, rope_scaling=RopeScaling(), init_std=0.02
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One model of a suite: one training job."""

    corpus: str
    budget: str
    """Label, as in the configuration."""
    recipe: str
    seed: int
    shape: Shape
    batch_size: int
    """Sequences of a step."""
    steps: int
    optimiser: dict[str, Any]
    """Settings of the optimiser and its schedule; learning rates are peaks."""
    choices: Choices
    """What the recipe fixes beside the size."""
    step: str
    """What takes the training steps: `auto`, `native` or `torch`."""
    device: str
    """What it is trained on: `cpu` or `gpu`."""

    @property
    def run(self) -> str:
        """The run's name: unique in its experiment, a key that nobody parses."""
        shape = self.shape
        return f"{self.corpus}-{self.budget}-d{shape.width}-L{shape.layers}-B{self.batch_size}-s{self.seed}"

    @property
    def tokens(self) -> int:
        """Tokens trained on."""
        return self.batch_size * self.steps * self.shape.context_length

    @property
    def attention_flops(self) -> str:
        """How attention is counted."""
        return "causal" if self.recipe == "cpu_small" else "full"

    @property
    def forward_flops(self) -> int:
        """Forward FLOPs of all trained tokens, by the recipe's convention."""
        return self.tokens * _flops_per_token(self.shape, self.recipe)

    @property
    def training_flops(self) -> int:
        """Training FLOPs: forward and backward."""
        return TRAINING_OVER_FORWARD * self.forward_flops

    def columns(self) -> dict[str, Any]:
        """Return the run's row of suite.csv."""
        parameters = count_parameters(self.shape)
        row = {
            "corpus": self.corpus,
            "budget": self.budget,
            "budget_counts": "forward_flops" if self.recipe == "marin2025" else "training_flops",
            "recipe": self.recipe,
            "run": self.run,
            "seed": self.seed,
            "width": self.shape.width,
            "layers": self.shape.layers,
            "heads": self.shape.heads,
            "batch_size": self.batch_size,
            "steps": self.steps,
            "tokens": self.tokens,
            "learning_rate": self.optimiser["learning_rate"],
            "beta2": self.optimiser["beta2"],
            "num_params_embedding": parameters.embedding,
            "num_params_head": parameters.head,
            "num_params_transformer": parameters.transformer,
            "num_params_total": parameters.total,
            "attention_flops": self.attention_flops,
            "forward_flops": self.forward_flops,
            "training_flops": self.training_flops,
        }
        assert tuple(row) == SUITE_COLUMNS
        return row

    def spec(self) -> dict[str, Any]:
        """Return what the training job gets: all that defines the run, and nothing else."""
        return {
            "columns": self.columns(),
            "shape": asdict(self.shape),
            "choices": asdict(self.choices),
            "optimiser": self.optimiser,
            "batch_size": self.batch_size,
            "steps": self.steps,
            "seed": self.seed,
            "step": self.step,
            "device": self.device,
        }


class PlanError(ValueError):
    """Budgets that no run, or not every listed shape, can meet."""

    def __init__(self, problems: Mapping[tuple[str | int, ...], str]) -> None:
        """Keep what is wrong, by the path of its key in the configuration."""
        super().__init__(
            "; ".join(f"{'.'.join(map(str, path))}: {what}" for path, what in problems.items())
        )
        self.problems = dict(problems)


def plan_suite(suite: Suite, vocab_size: int) -> list[Run]:
    """Return the runs of a suite, ordered by corpus, budget, size and seed as the configuration
    lists them.

    Raises:
        PlanError: naming every budget that no run can meet and every listed shape that misses its
            budget.
    """
    runs: list[Run] = []
    problems: dict[tuple[str | int, ...], str] = {}
    for corpus in suite.corpora:
        for index, budget in enumerate(suite.budgets):
            key = ("suite", "budgets", index)
            seeds = budget.seeds or suite.seeds
            if isinstance(suite.recipe, Marin2025):
                found = [
                    run
                    for seed in seeds
                    for run in _marin_runs(suite.recipe, corpus, budget.label, seed, vocab_size)
                ]
                if not found:
                    problems[*key, "label"] = (
                        f"no run of recipe {suite.recipe.name} meets this budget"
                    )
                runs += found
                continue
            for place, label in enumerate(budget.shapes or []):
                extra = [
                    r.seeds
                    for r in suite.replicates
                    if (r.budget, r.shape) == (budget.label, label)
                ]
                try:
                    for seed in dict.fromkeys([*seeds, *(seed for more in extra for seed in more)]):
                        runs.append(
                            _listed_run(suite.recipe, corpus, budget.label, label, seed, vocab_size)
                        )
                except ValueError as error:
                    problems[*key, "shapes", place] = str(error)
    if problems:
        raise PlanError(problems)
    return runs


def suite_csv(runs: Iterable[Run]) -> str:
    """Return suite.csv as text: one row a run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(run.columns() for run in runs)
    return text.getvalue()


def _flops_per_token(shape: Shape, recipe: str) -> int:
    if recipe == "cpu_small":
        return forward_flops_per_token(shape, attention="causal", count_softmax=False)
    return forward_flops_per_token(shape, attention="full", count_softmax=True)


def _heads(width: int, wanted: int) -> int:
    """Return the largest number of heads whose width is even and not below the wanted one."""
    fitting = [
        heads
        for heads in range(1, max(1, width // wanted) + 1)
        if width % heads == 0 and (width // heads) % 2 == 0
    ]
    if not fitting:
        raise ValueError(f"width {width}: no even head width divides it")
    return fitting[-1]


def _listed_run(
    recipe: CpuSmall | Chinchilla, corpus: str, budget: str, label: str, seed: int, vocab_size: int
) -> Run:
    """Return the run of a size that the configuration lists.

    Raises:
        ValueError: where no number of steps comes near enough to the budget.
    """
    width, layers = (int(part) for part in label.split("x"))
    heads = _heads(width, recipe.head_dim)
    shape = Shape(
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=width // heads,
        intermediate=max(1, round(8 * width / 3 / MLP_MULTIPLE)) * MLP_MULTIPLE,
        vocab_size=vocab_size,
        context_length=recipe.context_length,
    )
    training_flops_per_token = TRAINING_OVER_FORWARD * _flops_per_token(shape, recipe.name)
    tokens = float(budget) / training_flops_per_token
    if isinstance(recipe, CpuSmall):
        batch_size, optimiser = _cpu_small_settings(recipe, tokens, width)
    else:
        batch_size, optimiser = _chinchilla_settings(recipe, tokens, width)
    steps = steps_for(float(budget), training_flops_per_token, batch_size, recipe.context_length)
    achieved = steps * batch_size * recipe.context_length * training_flops_per_token
    if steps < 1 or abs(achieved / float(budget) - 1) > recipe.flop_tolerance:
        raise ValueError(
            f"{steps} steps of {batch_size} x {recipe.context_length} tokens reach {achieved:.3g} of "
            f"{budget} training FLOPs, more than {recipe.flop_tolerance:.0%} off: take a smaller shape or a larger budget"
        )
    on_gpu = isinstance(recipe, Chinchilla) and recipe.device == "gpu"
    return Run(
        corpus=corpus,
        budget=budget,
        recipe=recipe.name,
        seed=seed,
        shape=shape,
        batch_size=batch_size,
        steps=steps,
        optimiser=optimiser,
        choices=Choices(),
        step="torch" if on_gpu else recipe.step if isinstance(recipe, CpuSmall) else "auto",
        device="gpu" if on_gpu else "cpu",
    )


def _cpu_small_settings(recipe: CpuSmall, tokens: float, width: int) -> tuple[int, dict[str, Any]]:
    """Return batch size and optimiser of a run of so many tokens."""
    batch_size = max(1, round(math.sqrt(tokens / recipe.batch_reference_tokens)))
    batch_scale = math.sqrt(batch_size * recipe.context_length / 2048)
    matrix_rate = recipe.matrix_learning_rate / math.sqrt(width) * batch_scale
    return batch_size, {
        "kind": "adam",
        "learning_rate": matrix_rate,
        "embedding_learning_rate": recipe.embedding_learning_rate * batch_scale,
        "head_learning_rate": recipe.head_learning_rate_ratio * matrix_rate,
        "beta1": recipe.beta1,
        "beta2": recipe.beta2,
        "weight_decay": 0.0,
        "schedule": "wsd",
        "warmup_share": recipe.warmup_share,
        "decay_share": recipe.decay_share,
        "clip_norm": recipe.clip_norm,
    }


def _chinchilla_settings(
    recipe: Chinchilla, tokens: float, width: int
) -> tuple[int, dict[str, Any]]:
    """Return batch size and optimiser of a run of so many tokens; batches above 8 are multiples of
    it, so that GPUs can share them."""
    batch_size = max(
        1, round(recipe.batch_tokens_constant * math.sqrt(tokens) / recipe.context_length)
    )
    if batch_size > 8:
        batch_size = 8 * round(batch_size / 8)
    rate = min(recipe.learning_rate_cap, recipe.learning_rate_constant / width)
    return batch_size, {
        "kind": "adam",
        "learning_rate": rate,
        "embedding_learning_rate": rate,
        "head_learning_rate": rate,
        "beta1": recipe.beta1,
        "beta2": recipe.beta2,
        "weight_decay": recipe.weight_decay,
        "schedule": "cosine",
        "warmup_share": recipe.warmup_share,
        "final_share": recipe.final_share,
        "clip_norm": recipe.clip_norm,
    }


def _marin_runs(
    recipe: Marin2025, corpus: str, budget: str, seed: int, vocab_size: int
) -> Iterator[Run]:
    """Yield the widths of one budget that the paper's rule keeps (steps 1-9 of its IsoFLOP
    grid)."""
    flops = float(budget)
    step = 256 if flops > 9e18 else 128
    for width in range(recipe.min_width, recipe.max_width + 1, step):
        heads = width // recipe.head_dim
        shape = Shape(
            width=width,
            layers=round(width / (64 + 4 * math.log2(width) - 9)),
            heads=heads,
            kv_heads=heads,
            head_dim=recipe.head_dim,
            intermediate=recipe.mlp_ratio * width,
            vocab_size=vocab_size,
            context_length=recipe.context_length,
        )
        per_token = _flops_per_token(shape, recipe.name)
        ideal = flops / (per_token * recipe.context_length * recipe.reference_steps)
        batch_size = 1 if ideal <= 1 else 2 ** math.ceil(math.log2(ideal))
        while (
            rate := recipe.learning_rate_constant * math.sqrt(batch_size) / width
        ) > recipe.learning_rate_cap:
            batch_size //= 2
        if batch_size < recipe.min_batch_size:
            continue
        steps = steps_for(flops, per_token, batch_size, recipe.context_length)
        if (
            abs(steps * batch_size * recipe.context_length * per_token / flops - 1)
            > recipe.flop_tolerance
        ):
            continue
        optimiser = {
            "kind": "cautious_adamc",
            "learning_rate": rate,
            "embedding_learning_rate": rate,
            "head_learning_rate": rate,
            "beta1": recipe.beta1,
            "beta2": 0.98 ** (batch_size / 128),
            "weight_decay": recipe.weight_decay,
            "schedule": "wsd",
            "warmup_share": recipe.warmup_share,
            "decay_share": recipe.decay_share,
            "clip_norm": recipe.clip_norm,
        }
        yield Run(
            corpus=corpus,
            budget=budget,
            recipe=recipe.name,
            seed=seed,
            shape=shape,
            batch_size=batch_size,
            steps=steps,
            optimiser=optimiser,
            choices=MARIN_CHOICES,
            step="torch",
            device="gpu",
        )
