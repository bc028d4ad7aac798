"""Find exact and near-duplicates.

Near-duplicates are found by MinHash with locality-sensitive hashing (Broder 1997; Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, chapter 3) over sets of 5-word windows, with
`datasketch`. Candidates are checked: a document is a duplicate if its estimated Jaccard similarity
with an earlier document that was kept reaches the threshold.
"""

import hashlib

from datasketch import MinHash, MinHashLSH

from relscale.text.windows import WordHasher, window_hashes

SHINGLE_WORDS = 5
"""Number of words in the windows whose sets are compared."""
NUM_PERMUTATIONS = 128
"""Number of hashes in a signature. The standard error of a similarity of 0.8 is
sqrt(0.8 * 0.2 / 128) = 0.035."""
SEED = 1
"""Seed of the permutations."""


def document_hash(text: str) -> str:
    """Return a hash of 16 hexadecimal digits that ignores case and white space."""
    return hashlib.blake2b(" ".join(text.lower().split()).encode(), digest_size=8).hexdigest()


def fraction(purpose: str, document: str) -> float:
    """Return a number in [0, 1) computed from a document's hash, independent for each purpose."""
    return (
        int.from_bytes(
            hashlib.blake2b(f"{purpose} {document}".encode(), digest_size=8).digest(), "big"
        )
        / 2**64
    )


class NearDuplicates:
    """Index of the documents seen so far, to find documents that resemble one of them."""

    def __init__(self, threshold: float) -> None:
        """Start with an empty index.

        Args:
            threshold: estimated Jaccard similarity of 5-word windows at which two documents count
                as near-duplicates.
        """
        self._threshold = threshold
        # A missed candidate is lost, a false one is only checked in vain. Misses therefore weigh
        # more in the choice of bands and rows.
        self._index = MinHashLSH(threshold=threshold, num_perm=NUM_PERMUTATIONS, weights=(0.1, 0.9))
        self._first = MinHash(num_perm=NUM_PERMUTATIONS, seed=SEED, hashfunc=int, scheme="affine64")
        self._signatures: list[MinHash] = []
        self._hasher = WordHasher()

    def is_new(self, text: str) -> bool:
        """Return whether a text resembles no earlier one, and add it to the index if so.

        A text without words is always new.
        """
        words = self._hasher(text)
        if not len(words):
            return True
        signature = self._first.copy()
        signature.update_batch(window_hashes(words, min(SHINGLE_WORDS, len(words))).tolist())
        for candidate in self._index.query(signature):
            if signature.jaccard(self._signatures[candidate]) >= self._threshold:
                return False
        self._index.insert(len(self._signatures), signature, check_duplication=False)
        self._signatures.append(signature)
        return True
