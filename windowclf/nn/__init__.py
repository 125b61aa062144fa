"""Hand-derived backpropagation; knows arrays, not words."""
