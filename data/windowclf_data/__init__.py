"""What ships with windowclf: sample corpus, a small set of GloVe vectors, the catalogue. Imports nothing."""
