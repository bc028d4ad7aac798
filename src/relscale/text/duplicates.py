"""Exact and near-duplicates.

Near-duplicates are found by MinHash with locality-sensitive hashing (Broder 1997; Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, chapter 3) over the sets of 5-word windows, with
`datasketch`. Candidates are checked: a document counts as a duplicate where the estimated Jaccard
similarity with an earlier document that was kept reaches the threshold.
"""

import hashlib

from datasketch import MinHash, MinHashLSH

from relscale.text.windows import WordHasher, window_hashes

SHINGLE_WORDS = 5
"""Words in the windows whose sets are compared."""
NUM_PERMUTATIONS = 128
"""Hashes in a signature: the standard error of a similarity of 0.8 is sqrt(0.8 * 0.2 / 128) =
0.035."""
SEED = 1
"""Seed of the permutations."""


def document_hash(text: str) -> str:
    """Return 16 hexadecimal digits that are the same for texts that differ only in case and white
    space."""
    return hashlib.blake2b(" ".join(text.lower().split()).encode(), digest_size=8).hexdigest()


def fraction(purpose: str, document: str) -> float:
    """Return a number in [0, 1) that depends on a document's hash, independent for each purpose."""
    return (
        int.from_bytes(
            hashlib.blake2b(f"{purpose} {document}".encode(), digest_size=8).digest(), "big"
        )
        / 2**64
    )


class NearDuplicates:
    """Documents seen so far, asked one by one whether the next resembles any of them."""

    def __init__(self, threshold: float) -> None:
        """Start empty.

        Args:
            threshold: estimated Jaccard similarity of 5-word windows from which two documents are
                near-duplicates.
        """
        self._threshold = threshold
        # A missed candidate is lost, a wrong one is only checked: so misses weigh more in the
        # choice of bands and rows.
        self._index = MinHashLSH(threshold=threshold, num_perm=NUM_PERMUTATIONS, weights=(0.1, 0.9))
        self._first = MinHash(num_perm=NUM_PERMUTATIONS, seed=SEED, hashfunc=int, scheme="affine64")
        self._signatures: list[MinHash] = []
        self._hasher = WordHasher()

    def is_new(self, text: str) -> bool:
        """Return whether a text resembles no earlier new one, and remember it if so; a text without
        words is always new."""
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
