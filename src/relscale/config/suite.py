"""Settings: which models are trained."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import BudgetLabel, Model, Name, Positive, ShapeLabel, Share, Unique


class CpuSmall(Model):
    """Recipe for clean IsoFLOP curves of tiny models on a CPU; budgets are labelled by training
    FLOPs, causal attention counted."""

    name: Literal["cpu_small"]
    context_length: Positive = 128
    """Tokens of a sequence."""
    head_dim: Positive = 16
    """Wanted width of an attention head."""
    batch_reference_tokens: Positive = 200_000
    """Batch size = max(1, round(sqrt(tokens / this))) sequences."""
    matrix_learning_rate: Annotated[float, Field(gt=0)] = 0.15
    """Learning rate of matrices = this / sqrt(width) * sqrt(batch tokens / 2048)."""
    embedding_learning_rate: Annotated[float, Field(gt=0)] = 0.5
    """Learning rate of the embedding = this * sqrt(batch tokens / 2048)."""
    head_learning_rate_ratio: Annotated[float, Field(gt=0)] = 2.0
    """Learning rate of the head over that of the matrices."""
    beta1: Share = 0.9
    """First moment's decay."""
    beta2: Share = 0.99
    """Second moment's decay."""
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises linearly."""
    decay_share: Share = 0.5
    """Share of the steps, at the end, in which it falls linearly to 0."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""
    step: Literal["auto", "native", "torch"] = "auto"
    """What takes the training steps: the compiled step where it was built, or torch; their losses
    differ by rounding alone."""


class Marin2025(Model):
    """The paper's recipe: budgets are labelled by forward FLOPs, full attention and softmax
    counted."""

    name: Literal["marin2025"]
    context_length: Positive = 4096
    """Tokens of a sequence."""
    head_dim: Positive = 128
    """Width of an attention head."""
    mlp_ratio: Positive = 4
    """Intermediate width over width."""
    reference_steps: Positive = 65_536
    """Steps from which the batch size is derived."""
    learning_rate_constant: Annotated[float, Field(gt=0)] = 0.33
    """Learning rate = this * sqrt(batch size) / width."""
    learning_rate_cap: Annotated[float, Field(gt=0)] = 0.01
    """The batch is halved until the learning rate is not above this."""
    min_batch_size: Positive = 8
    """Runs with a smaller batch are left out of the grid."""
    min_width: Positive = 512
    """First width of the grid."""
    max_width: Positive = 4096
    """Last width of the grid."""
    beta1: Share = 0.95
    """First moment's decay."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """AdamC weight decay."""
    warmup_share: Share = 0.1
    """Share of the steps in which the learning rate rises linearly (0.05 where the paper is
    quoted)."""
    decay_share: Share = 0.2
    """Share of the steps, at the end, in which it falls linearly to 0."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""


class Chinchilla(Model):
    """The usual recipe: AdamW, one learning rate, cosine; budgets are labelled by training FLOPs,
    full attention and softmax counted.

    After Hoffmann et al. 2022 (arXiv 2203.15556): AdamW, weight decay 0.1, one cosine cycle as long
    as the run down to a tenth of the peak. The learning rate follows the width as in table 2.1 of
    Brown et al. 2020 (arXiv 2005.14165), whose values are 0.4 to 0.75 over the width. Sizes are
    listed by budget: tiny ones for a CPU, or larger ones for GPUs.
    """

    name: Literal["chinchilla"]
    context_length: Positive = 256
    """Tokens of a sequence."""
    head_dim: Positive = 32
    """Wanted width of an attention head."""
    batch_tokens_constant: Annotated[float, Field(gt=0)] = 0.4
    """Tokens of a step = this * sqrt(tokens of the run), in whole sequences: 570 of a run of 2e6,
    18,000 of one of 2e9."""
    learning_rate_constant: Annotated[float, Field(gt=0)] = 0.5
    """Learning rate of all parameters = this / width, up to the cap."""
    learning_rate_cap: Annotated[float, Field(gt=0)] = 0.01
    """Highest learning rate."""
    beta1: Share = 0.9
    """First moment's decay."""
    beta2: Share = 0.95
    """Second moment's decay."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Decoupled weight decay, of all parameters."""
    warmup_share: Share = 0.02
    """Share of the steps in which the learning rate rises linearly."""
    final_share: Share = 0.1
    """Learning rate of the last step over the peak."""
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    """Global norm at which gradients are clipped."""
    flop_tolerance: Share = 0.01
    """Largest relative miss of a budget."""
    device: Literal["cpu", "gpu"] = "cpu"
    """What the runs are trained on: on the CPU the compiled step where it can, on a GPU torch in
    bfloat16."""


Recipe = Annotated[CpuSmall | Marin2025 | Chinchilla, Field(discriminator="name")]


class Budget(Model):
    """One IsoFLOP curve of each corpus."""

    label: BudgetLabel
    """FLOPs as text in quotes, such as "1e11"; the recipe says which FLOPs are counted."""
    shapes: Unique[ShapeLabel] | None = None
    """Sizes to train (recipes `cpu_small` and `chinchilla`); `marin2025` derives them."""
    seeds: Annotated[Unique[int], Field(min_length=1)] | None = None
    """Seeds of this budget; those of the suite where it is left out."""


class Replicate(Model):
    """More seeds for one cell of the grid."""

    budget: BudgetLabel
    """Label of the budget."""
    shape: ShapeLabel
    """Size, as width x layers."""
    seeds: Annotated[Unique[int], Field(min_length=1)]
    """Seeds beside those of the budget; what is there already counts once."""


class Suite(Model):
    """Which runs are trained."""

    corpora: Annotated[Unique[Name], Field(min_length=1)]
    """Corpora of this experiment (keys of `corpora.mixtures`)."""
    recipe: Recipe
    """The named rule that turns budget and size into a run."""
    budgets: Annotated[list[Budget], Field(min_length=1)]
    """The IsoFLOP curves."""
    seeds: Annotated[Unique[int], Field(min_length=1)] = [0]
    """Seeds of initialisation and data order: every cell of the grid is trained with each, but in
    budgets that name their own."""
    replicates: list[Replicate] = []
    """Single cells trained with more seeds."""
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    """How often a run may see its corpus; a run that needs more is an error before any training."""
