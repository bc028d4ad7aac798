"""Two models that `relscale compare` evaluates before it compares them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Models:
    """Two models, and how they are evaluated."""

    paths: tuple[str | None, str | None]
    """Folder or Hub id of each, optionally with `@REVISION`."""
    families: tuple[str, ...]
    """The family to score; exactly one."""
    overlays: tuple[Path, ...]
    base: Path
    sources: Path | None
    downloads: str | None
    max_length: int | None
    limit: int | None


def evaluated(models: Models, out: Path) -> list[Path]:
    """Evaluate both models, write their results into OUT/a and OUT/b, and return these folders.

    Raises:
        ValueError: naming the option that is missing or wrong, before any scoring.
    """
    from relscale.config.load import load_experiment
    from relscale.released.standalone import evaluate_by_hand

    if None in models.paths:
        raise ValueError("--model-a and --model-b belong together: one of them is missing")
    if len(models.families) != 1:
        raise ValueError(
            f"{len(models.families)} families are given: models need one --family of the "
            "configuration"
        )
    if models.paths[0] == models.paths[1]:
        raise ValueError(f"--model-a and --model-b are the same model, {models.paths[0]!r}")
    experiment = load_experiment(models.base, *models.overlays)
    if models.downloads is not None:
        experiment = experiment.model_copy(update={"downloads": models.downloads})
    folders = []
    for letter, path in zip("ab", models.paths, strict=True):
        model, revision = _with_revision(str(path))
        found = evaluate_by_hand(
            experiment,
            models.families[0],
            model,
            revision=revision,
            sources=models.sources or out / "sources",
            max_length=models.max_length,
            limit=models.limit,
        )
        found.write(out / letter)
        folders.append(out / letter)
    return folders


def _with_revision(model: str) -> tuple[str, str | None]:
    """Split `ID@REVISION` of the Hub; a folder that exists is one whole name."""
    if Path(model).exists() or "@" not in model:
        return model, None
    name, _, revision = model.rpartition("@")
    return name, revision
