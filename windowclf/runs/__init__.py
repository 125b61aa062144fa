"""Training runs on disk: one, several compared, studied."""
