"""Labelled sentences to a trained model."""
