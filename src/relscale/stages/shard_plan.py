"""List the files of one component of a sharded corpus, and say which of them each shard is made
of."""

import argparse
import json
from pathlib import Path

from pydantic import TypeAdapter

from relscale.config.sharded import ShardedComponent
from relscale.config.sources import HubOrigin, LocalOrigin, ShardedOrigin
from relscale.files import write_json
from relscale.runtime import run
from relscale.text.shard_plan import plan_shards


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, type=json.loads, help="JSON: name, component, source"
    )
    parser.add_argument(
        "--listing",
        default="",
        help="name by which the workflow knows the local files; it is kept in the plan",
    )
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    source: LocalOrigin | HubOrigin = TypeAdapter(ShardedOrigin).validate_python(
        args.spec["source"]
    )
    component = ShardedComponent.model_validate({**args.spec["component"], "weight": 1.0})
    write_json(args.out, plan_shards(args.spec["name"], component, source, args.listing))


if __name__ == "__main__":
    run(main)
