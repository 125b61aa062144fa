"""Words in, ids out."""
