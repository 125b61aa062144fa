"""The command line of windowclf."""
