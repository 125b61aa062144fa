"""The page docs/gradients.md: its code blocks run in order and print what it shows."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "gradients.md"
# A python block, and the text block after it with what it prints.
BLOCKS = re.compile(r"^```python\n(.*?)^```\n\n^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_code_of_the_page_prints_what_the_page_shows() -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = BLOCKS.findall(page)
    assert len(blocks) == page.count("```python") > 0
    names: dict[str, Any] = {}
    for code, shown in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == shown, code
