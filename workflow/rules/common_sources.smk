"""What the rules share about sources of text: their specs, places and files. Functions only."""


def source_spec(name):
    """Return what defines a source's bytes: not its licence and citation, nor where a local copy of a package lies."""
    source = EXPERIMENT.sources[name]
    beside = (
        {"licence", "citation", "path"} if source.kind == "package" else {"licence", "citation"}
    )
    return {"name": name, **source.model_dump(mode="json", exclude=beside)}


def source_key(name):
    """Return the folder's name of a source."""
    return f"{name}-{spec_digest(source_spec(name))}"


SOURCES_BY_KEY = {source_key(name): name for name in EXPERIMENT.sources}


def source_manifest(name):
    """Return the manifest of a source."""
    return f"{SHARED}/sources/{source_key(name)}/manifest.json"


def family_sources(family):
    """Return the sources that a family's text is read from."""
    settings = EXPERIMENT.families[family]
    if settings.kind == "continuation":
        return family_sources(settings.documents)
    if settings.kind == "validation":
        return []
    return [
        settings.source,
        *([settings.shots_source] if getattr(settings, "shots_source", None) else []),
    ]


def local_copy(wildcards):
    """Return where a source's bytes may be taken from: a resource, since it is no part of what the source is."""
    return getattr(EXPERIMENT.sources[SOURCES_BY_KEY[wildcards.source_key]], "path", None) or ""


@cache
def source_listing(key):
    """Return the name of the listing of a local source's files: other files are another name; files that were taken away keep theirs."""
    source = EXPERIMENT.sources[SOURCES_BY_KEY[key]]
    if source.kind != "local":
        return ""
    path = Path(source.path)
    return listing_of(local_files(path), path, Path(f"{SHARED}/sources/{key}/manifest.json"))


wildcard_constraints:
    source_key=any_of(SOURCES_BY_KEY),
