"""Ids to scores to labels; a trained model in memory and on disk."""
