"""Names of columns: which of ours they are like, and the metric and domain in a name."""

import re

PATTERNS: dict[str, tuple[str, ...]] = {
    "budget": (r"(iso_?flops?_|flops?_|compute_)?budget(_label)?", r"iso_?flops?(_group)?"),
    "forward_flops": (r"(forward|fwd)_(flops?|compute)", r"(flops?|compute)_(forward|fwd)"),
    "training_flops": (
        r"(total_|train(ing)?_)?(flops?|compute)(_total|_train|_used)?",
        r"(peta|exa|zetta|p|e|z)_?flops?",
        r"(pf|petaflop|petaflops)_?(s_)?days?",
        r"log_?(10)?_?(flops?|compute|c)",
        r"c",
    ),
    "num_params_total": (
        r"(n|num|nb|total|number_of|model)_?(total_)?(params?|parameters)(_(total|count))?",
        r"(params?|parameters|nparams)(_(total|count))?",
        r"(model_)?size",
        r"non_?emb(edding)?_(params?|parameters)",
        r"log_?(10)?_?(params?|parameters|n)",
        r"n",
    ),
    "tokens_per_param": (
        r"(tokens?_per_param(eter)?|tpp|d_over_n|d_n|token_multiplier|tokens?_params?_ratio)",
        r"(chinchilla|overtrain(ing)?)_?(multiple|ratio|factor|multiplier)",
    ),
    "tokens": (
        r"(n|num|nb|total|number_of|train(ing)?)_?(train(ing)?_)?tokens?(_seen|_trained)?",
        r"tokens?(_seen|_trained|_total|_count|_consumed)?",
        r"(consumed|seen)_tokens?",
        r"log_?(10)?_?(tokens?|d)",
        r"d",
    ),
    "seed": (r"(random_|data_|init_|train_)?seed",),
    "step": (r"(global_|train(ing)?_|checkpoint_|ckpt_)?(step|iteration|iter)s?",),
    "decayed": (r"(is_)?(decayed|annealed|anneal|cooldown|final|is_final)",),
    "corpus": (
        r"(train(ing)?|pre_?train(ing)?)_?(set|data|dataset|corpus|mix|mixture)",
        r"corpus|suite|data_?mix|mixture|mix|dataset|data_recipe",
    ),
    "family": (r"(domain_)?family",),
    "domain": (
        r"(eval(uation)?|test|valid(ation)?)_?(set|data|dataset|domain|corpus|task|split)",
        r"domain|subset|subdomain|task|subject|language|lang|variety|benchmark",
    ),
    "metric": (r"metric(_name)?|measure|error_metric",),
    "value": (r"value|score|metric_value|result",),
    "standard_error": (r"(standard_error|std_?err(or)?|stderr|se|sem)",),
    "num_items": (r"(num|n)_(items|examples|questions|samples|documents|docs)",),
    "at_chance": (r"at_chance",),
    "excluded_reason": (r"excluded_reason",),
    "run": (
        r"run(_(name|id))?|run_?path",
        r"(model|checkpoint|ckpt)(_(name|id|path|tag))?",
        r"(display_?)?name|id|experiment(_name)?|tag",
    ),
}
"""Our column: patterns of the names of files, the surest first. Names are in lower case, with
underscores between words."""
NUMERIC = frozenset(
    (
        "forward_flops",
        "num_items",
        "num_params_total",
        "standard_error",
        "step",
        "tokens",
        "tokens_per_param",
        "training_flops",
        "value",
    )
)
"""Columns that a column of text cannot be."""
METRIC_WORDS = {
    "bits_per_byte": "bits_per_byte",
    "bpb": "bits_per_byte",
    "cross_entropy_loss": "loss",
    "cross_entropy": "loss",
    "ce_loss": "loss",
    "nll_loss": "loss",
    "lm_loss": "loss",
    "xent": "loss",
    "loss": "loss",
    "nll": "loss",
    "ce": "loss",
    "perplexity": "perplexity",
    "ppl": "perplexity",
    "accuracy": "accuracy",
    "acc_norm": "acc_norm",
    "acc": "accuracy",
    "error": "error",
    "err": "error",
}
"""Words for a metric in the name of a column, and the metric."""
ERROR_WORDS = ("stderr", "std_err", "standard_error", "se", "sem", "std")
"""Words for a standard error in the name of a column of a domain."""
_FRAMES = frozenset(
    (
        "eval", "evaluation", "val", "valid", "validation", "test", "metrics", "final", "lm",
        "mean", "avg", "downstream", "per", "token", "all", "summary", "results",
    )
)  # fmt: skip
"""Words around a domain that do not name it."""
_SPLITS = frozenset(("val", "valid", "validation", "test", "dev"))
TRAINING = frozenset(("train", "training"))
"""Words for losses on the training data, which are not domains."""
UNIT_ENDINGS = {
    "k": "thousands",
    "thousands": "thousands",
    "m": "millions",
    "mil": "millions",
    "mn": "millions",
    "million": "millions",
    "millions": "millions",
    "b": "billions",
    "bn": "billions",
    "billion": "billions",
    "billions": "billions",
    "t": "trillions",
    "trillion": "trillions",
    "trillions": "trillions",
    "percent": "percent",
    "pct": "percent",
}
"""Last word of a name, and the unit that it states."""


def plain(name: str) -> str:
    """Return a name in lower case with underscores between its words.

    Examples:
        >>> plain("config.nParams (M)")
        'config_n_params_m'
    """
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    spaced = spaced.replace("%", " percent ").replace("#", " num ")
    return "_".join(re.findall(r"[^\W_]+", spaced.lower()))


def stated_unit(name: str) -> str | None:
    """Return the unit that the name of a column states, or None.

    Examples:
        >>> stated_unit("Tokens (B)"), stated_unit("tokens")
        ('billions', None)
    """
    words = plain(name).split("_")
    text = "_".join(words)
    if re.match(r"log_?10_?|log_", text):
        return "log10"
    if re.search(r"(pf|petaflops?)_?(s_)?days?", text):
        return "petaflop_days"
    if re.search(r"(^|_)(peta|p)_?flops?", text):
        return "petaflops"
    if re.search(r"(^|_)(exa|e)_?flops?", text):
        return "exaflops"
    return UNIT_ENDINGS.get(words[-1]) if len(words) > 1 else None


def spellings(name: str) -> list[str]:
    """Return the forms of a name that are compared with the patterns.

    They are the whole name, its last part behind a dot or slash, and both without a unit.
    """
    forms = [plain(name)]
    last = re.split(r"[./]", name)[-1]
    if last and last != name:
        forms.append(plain(last))
    for form in list(forms):
        head, _, end = form.rpartition("_")
        if head and end in UNIT_ENDINGS:
            forms.append(head)
    return forms


def likeness(ours: str, name: str) -> int | None:
    """Return how surely a name is one of our columns: 0 for the surest pattern; None if not."""
    if name == ours:
        return -1
    for rank, pattern in enumerate(PATTERNS[ours]):
        if any(re.fullmatch(pattern, form) for form in spellings(name)):
            return rank
    return None


def metric_and_domain(name: str) -> tuple[str, str] | None:
    """Return the metric and the domain in the name of a column, or None without a metric.

    The domain is empty if the name has none. Its spelling is kept.

    Examples:
        >>> metric_and_domain("eval/c4_en-validation/CrossEntropyLoss")
        ('loss', 'c4_en')
        >>> metric_and_domain("ppl/C4"), metric_and_domain("val_loss"), metric_and_domain("C4")
        (('perplexity', 'C4'), ('loss', ''), None)
    """
    spaced = re.sub(r"([a-z0-9])([A-Z][a-z])", r"\1 \2", name)
    words = re.findall(r"[^\W_]+", spaced)
    lower = [word.lower() for word in words]
    best: tuple[int, int, str] | None = None
    for start in range(len(words)):
        for end in range(start + 1, min(start + 3, len(words)) + 1):
            metric = METRIC_WORDS.get("_".join(lower[start:end]))
            if metric and (best is None or end - start > best[1] - best[0]):
                best = (start, end, metric)
    if best is None:
        return None
    start, end, metric = best
    kept = [
        word
        for index, word in enumerate(words)
        if not start <= index < end and lower[index] not in {*_FRAMES, *lower[start:end]}
    ]
    return metric, _spelled(name, kept)


def label(domain: str) -> str:
    """Return a name that a configuration takes for a domain: it begins with a letter or digit.

    Examples:
        >>> label("_c4 "), label("(%)")
        ('c4', 'domain')
    """
    seen = "".join(sign if sign.isprintable() else " " for sign in domain)
    return re.sub(r"^[\W_]+", "", seen).strip()[:100] or "domain"


def fuller_domain(name: str) -> str:
    """Return the domain in a name with the words for its split, as `mmlu_test`."""
    found = metric_and_domain(name)
    assert found is not None
    domain = found[1]
    words = [word for word in re.findall(r"[^\W_]+", name) if word.lower() in _SPLITS]
    return "_".join([domain, *dict.fromkeys(words)])


def _spelled(name: str, words: list[str]) -> str:
    """Return words joined as the name joins them, if they are next to each other there."""
    if not words:
        return ""
    found = re.search(r"[\W_]?".join(re.escape(word) for word in words), name)
    return found.group(0) if found else "_".join(words)


def is_error_column(name: str) -> bool:
    """Return whether a column is named after a standard error."""
    text = plain(name)
    return any(re.search(rf"(^|_){word}($|_)", text) for word in ERROR_WORDS)
