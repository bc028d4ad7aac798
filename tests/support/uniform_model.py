"""A language model whose scores are known: each token costs the logarithm of the vocabulary."""

from types import SimpleNamespace

import torch


class Uniform(torch.nn.Module):
    """A model of `transformers`' shape in which all entries have the same probability."""

    dtype = torch.float32

    def __init__(self, entries):
        super().__init__()
        self.embedding = torch.nn.Embedding(entries, 1)
        self.config = SimpleNamespace(model_type="uniform", hidden_size=1)
        self.config.get_text_config = lambda decoder: self.config

    def get_input_embeddings(self):
        return self.embedding

    get_output_embeddings = get_input_embeddings

    def forward(self, input_ids, use_cache):
        return SimpleNamespace(logits=torch.zeros(*input_ids.shape, self.embedding.num_embeddings))
