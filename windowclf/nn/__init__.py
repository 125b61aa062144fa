"""Backpropagation by hand; knows arrays, not words."""
