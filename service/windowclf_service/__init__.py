"""The HTTP service of windowclf."""
