"""The documentation site: `make docs` builds it into build/docs, without a network and without warnings."""

from importlib import metadata

import click
from sphinx.application import Sphinx

project = "windowclf"
release = metadata.version("windowclf")
project_copyright = "the windowclf authors. MIT licence"
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx_click"]
myst_heading_anchors = 3
default_role = "literal"  # `name` in docstrings
smartquotes = False  # in help texts and docstrings, quotes are those that one types
autodoc_typehints = "none"  # the sections of the docstrings say them in words
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "windowclf"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": True, "secondary_sidebar_items": ["page-toc"]}


def _as_written(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Show the commands of a help text as code, and stars as stars."""
    lines[:] = ["Example::" if line == "Example:" else line for line in lines]
    lines[:] = [line if line.startswith("    windowclf") else line.replace("*", "\\*") for line in lines]


def _with_bars(app: Sphinx, what: str, name: str, about: object, options: object, lines: list[str]) -> None:
    """Show |x| in docstrings as it is written; reStructuredText takes it for a substitution."""
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def setup(app: Sphinx) -> None:
    """Change help texts and docstrings where reStructuredText would read them otherwise."""
    app.connect("autodoc-process-docstring", _with_bars, priority=400)  # before numpydoc
    for part in ("description", "options"):
        app.connect(f"sphinx-click-process-{part}", _as_written)
