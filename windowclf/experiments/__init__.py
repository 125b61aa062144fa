"""Experiments: each trains what it compares, keeps every training, and says what the evidence is."""
