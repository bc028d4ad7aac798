"""Check before any training that every corpus has enough tokens for its longest run."""

from pathlib import Path

from relscale.files import read_json, write_json
from relscale.plan.spec import EnoughTokensSpec
from relscale.runtime import run
from relscale.training.epochs import arm_epochs, check_arms, check_tokens, most_epochs


def main(*, spec: EnoughTokensSpec, manifest: list[Path], out: Path) -> None:
    """Compare the manifests of the corpora with the tokens that their runs need.

    Raises:
        ValueError: naming every corpus that is too small.
    """
    manifests = {read["corpus"]: read for read in map(read_json, manifest)}
    problems = check_tokens(manifests, spec.most_tokens, spec.max_epochs)
    problems += check_arms(manifests, spec.arms)
    if problems:
        raise ValueError("before training:\n  " + "\n  ".join(problems))
    epochs = {
        corpus: round(max(most_epochs(manifests[corpus], needed).values()), 4)
        for corpus, needed in spec.most_tokens.items()
    }
    for name, arm in spec.arms.items():
        epochs[name] = round(arm_epochs(manifests[arm.corpus], arm), 4)
    write_json(out, {"most_epochs": epochs})


if __name__ == "__main__":
    run(main)
