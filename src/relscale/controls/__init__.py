"""Controls: simple models that are scored on the same items as the runs of a suite.

A gap that a control shows as well does not need a neural network. `ngram` is the
model, `byte_text` turns tokens into bytes, `score` writes losses and items, and `gaps` and `slopes`
make the tables that readers see. No law of the runs reads any of them.
"""
