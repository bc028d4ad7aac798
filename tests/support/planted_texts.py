"""Texts with planted statistics."""

import numpy as np
import pyarrow as pa


def zipf_shares(words, exponent):
    """Return the shares of words by rank under Zipf's law."""
    shares = np.arange(1, words + 1.0) ** -exponent
    return shares / shares.sum()


def word(index):
    """Return a word of letters; different indices have different words."""
    letters = ""
    while True:
        letters += chr(97 + index % 26)
        index //= 26
        if not index:
            return letters


class Population:
    """Documents of words by Zipf's law; each document repeats some words of its own topic."""

    def __init__(self, words=2000, exponent=1.0, topics=30):
        self.shares = zipf_shares(words, exponent)
        self.words = [word(index) for index in range(words)]
        self.topics = topics

    def documents(self, count, rng):
        """Return texts of 30 to 150 words, a sixth of them from 20 words of a topic."""
        texts = []
        for _ in range(count):
            size = int(rng.integers(30, 150))
            drawn = rng.choice(len(self.words), size, p=self.shares)
            topic = 200 + 20 * int(rng.integers(self.topics)) + rng.integers(20, size=size)
            mixed = np.where(rng.random(size) < 1 / 6, topic, drawn)
            texts.append(" ".join(self.words[index] for index in mixed))
        return pa.chunked_array([texts], pa.string())
