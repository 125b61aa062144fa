"""Look inside a decision, a network, a training, a corpus."""
