"""How good, and whether by more than chance."""
