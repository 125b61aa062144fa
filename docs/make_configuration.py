"""Write docs/configuration.md from the configuration's own types: `python docs/make_configuration.py`."""

from pathlib import Path

from windowclf.config_io import describe_fields

HEAD = """# Configuration

All values and their defaults. Change one with `--set section.key=value`, or several in a TOML file given as
`--config`. The `config.toml` of a run directory is such a file, so a run can be repeated. Unknown keys and
values out of bounds are errors. `python docs/make_configuration.py` writes this page.
"""
PAGE = Path(__file__).with_name("configuration.md")


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    section = ""
    for name, default, allowed, meaning in describe_fields():
        if name.split(".")[0] != section:
            section = name.split(".")[0]
            parts.append(f"\n## [{section}]\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n")
        parts.append(f"| `{name}` | `{default}` | {allowed} | {meaning} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
