"""Train the tokenizer on equal bytes of the named corpora."""

from pathlib import Path

from relscale.files import write_text
from relscale.runtime import run
from relscale.text.named_paths import named_paths
from relscale.text.spec import TokenizerSpec
from relscale.text.tokenizer import tokenizer_text, train_tokenizer


def main(*, spec: TokenizerSpec, train: list[str], out: Path) -> None:
    """Train the tokenizer; `train` has the form CORPUS=PARQUET."""
    files = named_paths(train)
    if missing := [name for name in spec.trained_on if name not in files]:
        raise ValueError(
            f"tokenizer.trained_on: no documents of {', '.join(missing)} given; --train has"
            f" {', '.join(files)}"
        )
    corpora = {name: files[name] for name in spec.trained_on}
    write_text(out, tokenizer_text(train_tokenizer(corpora, spec.vocab_size, spec.mb_per_corpus)))


if __name__ == "__main__":
    run(main)
