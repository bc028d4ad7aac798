"""Statistics of texts: Zipf, Heaps, n-gram entropies and compressibility, all of equal samples.

`sample` draws the same number of bytes from every corpus and domain, `estimate` computes all
statistics of a sample with their intervals, and `exponents` relates them to the exponents of the
laws. No law of the runs reads any of them.
"""
