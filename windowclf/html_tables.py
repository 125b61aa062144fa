"""Pages of tables for readers: one HTML file each, which needs no network and no script."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:0 0 2em}"
    "caption{text-align:left;font-weight:bold;padding:.3em 0}"
    "th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #8888;vertical-align:top}"
    "div{overflow-x:auto}"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def page_of(title: str, parts: Iterable[str], *, style: str = "") -> str:
    """Return a page.

    Parameters
    ----------
    title : str
        Text, which is its first heading too.
    parts : iterable of str
        HTML, what follows.
    style : str
        CSS on top of that of all pages.
    """
    head = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>",
        f"<body><h1>{escape(title)}</h1>",
    ]
    return "\n".join([*head, *parts, "</body></html>", ""])


def table_html(table: Table) -> str:
    """Return a table as HTML; it scrolls by itself where it is wider than the page."""
    parts = [
        f"<div><table><caption>{escape(table.title)}</caption>",
        f"<thead>{_row(table.columns, 'th')}</thead><tbody>",
        *(_row(row, "td") for row in table.rows),
        "</tbody></table></div>",
    ]
    return "\n".join(parts)


def paragraph(text: str) -> str:
    """Return text as a paragraph of HTML."""
    return f"<p>{escape(text)}</p>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
