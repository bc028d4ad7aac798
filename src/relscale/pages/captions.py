"""Captions of figures as plain text. Light imports."""


def plain_caption(caption: str) -> str:
    """Return the caption of a figure without mark-up, and with paths inside one folder.

    Examples:
        >>> plain_caption("Slopes. Source: tables/losses.parquet, ``laws/*.csv``.")
        'Slopes. Source: losses.parquet, *.csv.'
    """
    return caption.replace("``", "").replace("laws/", "").replace("tables/", "")
