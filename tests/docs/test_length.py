"""The documents stay short: words outside of blocks of code and of what a command writes."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import ROOT

CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
WRITTEN = re.compile(r"^<!-- ([\w ]+) -->$.*?^<!-- end of \1 -->$", re.DOTALL | re.MULTILINE)
MADE = {"published.md"}
"""Pages that `make published` writes as a whole."""


def words_of(page: Path) -> int:
    """How many words a person wrote on a page."""
    return len(WRITTEN.sub("", CODE.sub("", page.read_text(encoding="utf-8"))).split())


def test_the_documents_have_at_most_45000_words() -> None:
    counts = {page.name: words_of(page) for page in (ROOT / "docs").glob("*.md") if page.name not in MADE}
    longest = sorted(counts, key=lambda name: -counts[name])[:5]
    assert sum(counts.values()) <= 45_000, f"shorten what is said twice; the longest pages are {', '.join(longest)}"


def test_the_readme_has_at_most_700_words() -> None:
    assert words_of(ROOT / "README.md") <= 700


def test_code_and_what_a_command_writes_are_not_counted(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words\n\n```sh\nnoisebench list\n```\n\n<!-- list -->\n\n| a | b |\n\n<!-- end of list -->\n"
    )
    assert words_of(page) == 3
