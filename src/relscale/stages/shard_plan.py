"""List the text files of one component of a sharded corpus and deal them to its shards."""

from pathlib import Path

from relscale.files import write_json
from relscale.runtime import run
from relscale.text.shard_plan import plan_shards
from relscale.text.spec import ComponentSpec


def main(*, spec: ComponentSpec, out: Path, listing: str = "") -> None:
    """Plan the shards of one component; `listing` is the workflow's name for its local files."""
    plan = plan_shards(spec.name, spec.component, spec.source, listing)
    write_json(out, plan.model_dump(mode="json"))


if __name__ == "__main__":
    run(main)
