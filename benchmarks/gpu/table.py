"""The rows of training and of the reference as a Markdown table."""

from typing import Any


def table(results: dict[str, Any]) -> str:
    """Return the rows of training as a Markdown table, with the machine in the first line."""
    machine = results["machine"]
    lines = [
        f"{machine.get('name', machine['device'])}, torch {machine['torch']}, {machine['date']}",
        "",
        "| model | compiled | tokens/s | MFU | peak, GB | estimated, GB |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["training"].get("rows", []):
        start = f"| {row['model']} | {'yes' if row['compiled'] else 'no'} |"
        if "skipped" in row:
            lines.append(f"{start} {row['skipped']} | | | |")
            continue
        memory = f"{row['peak_bytes'] / 1e9:.1f} | {row['estimated_bytes'] / 1e9:.1f}"
        lines.append(f"{start} {row['tokens_per_s']:,.0f} | {row['mfu']:.1%} | {memory} |")
    for row in results["reference"].get("rows", []):
        start = f"| {row['model']}, plain FSDP2 | {'yes' if row['compiled'] else 'no'} |"
        said = row.get("skipped") or f"{row['tokens_per_s']:,.0f}"
        lines.append(f"{start} {said} | | | |")
    if "items_per_s" in (evaluation := results["evaluation"]):
        lines += ["", f"Evaluation: {evaluation['items_per_s']:,.1f} items per second."]
    return "\n".join(lines) + "\n"
