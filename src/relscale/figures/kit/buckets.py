"""Words for the buckets of bytes, as figures and pages show them."""

from relscale.contract.buckets import PARTITIONS

WHOLE = "all"
"""Partition and bucket of the rows about whole texts."""
ALPHA = 0.05
"""Adjusted p value below which the slope of a bucket is marked as one that differs from 0."""
HEADINGS = {
    WHOLE: "whole text",
    "white_space": "white space",
    "non_ascii": "non-ASCII",
    "other": "other bytes",
}
"""Headings of buckets whose names are not words."""


def bucket_heading(bucket: str) -> str:
    """Return the words for a bucket where its partition is named nearby."""
    return HEADINGS.get(bucket, bucket)


def bucket_words(partition: str, bucket: str) -> str:
    """Return the words for a bucket whose partition is not named nearby."""
    heading = bucket_heading(bucket)
    return f"{heading} words" if partition == "words" and bucket not in HEADINGS else heading


def bucket_order() -> list[tuple[str, str]]:
    """Return partition and bucket of all rows in the order in which they are shown."""
    parts = [(name, bucket) for name, whole in PARTITIONS.items() for bucket in whole]
    return [(WHOLE, WHOLE), *parts]
