"""`python -m windowclf` is the command line."""

from windowclf_cli.main import cli

cli(prog_name="windowclf")
