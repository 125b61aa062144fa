"""Pretrained word vectors: find, read, join, cache, choose."""
