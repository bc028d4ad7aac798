"""Items per second of the evaluation."""

import time
from typing import Any

import numpy as np

from relscale.evaluation.torch_model import CausalModel
from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.model import build_decoder, initialise

from .bench import Bench
from .models import cases

ITEMS = {True: 40, False: 2000}
"""Items of the evaluation, quick and not."""


def evaluation(bench: Bench) -> dict[str, Any]:
    """Measure the items per second of questions with four answers."""
    case = cases(bench.quick)[1]
    decoder = build_decoder(case.shape, MARIN_CHOICES)
    initialise(decoder, 0)
    bench.forget()
    model = CausalModel(
        decoder.to(bench.device),
        vocab_size=case.shape.vocab_size,
        context_length=case.shape.context_length,
        batch_tokens=8192,
        device=bench.device,
    )
    generator, context = np.random.default_rng(0), case.shape.context_length // 8
    questions = generator.integers(0, case.shape.vocab_size, (ITEMS[bench.quick], context))
    contexts = [question for question in questions for _ in range(4)]
    answers = [generator.integers(0, case.shape.vocab_size, 4) for _ in contexts]
    model.score(contexts[:4], answers[:4])
    begin = time.perf_counter()
    scores = model.score(contexts, answers)
    seconds = time.perf_counter() - begin
    return {
        "model": case.model,
        "items": len(questions),
        "tokens_per_item": 4 * (context + 4),
        "items_per_s": len(questions) / seconds,
        "finite": bool(np.isfinite(scores.log_likelihood).all()),
    }
