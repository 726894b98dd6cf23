"""The pages of a documentation by mkdocs that was built into the folder of a site, for the search of its home page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path, PurePosixPath

from ...text.errors import one_line
from .index_pages import SearchEntry
from .staging import DOCUMENTATION

_FOLDER = PurePosixPath(DOCUMENTATION).parent
_INDEX = _FOLDER / "search" / "search_index.json"
_PAGE = re.compile(r"[\w-]+(/[\w-]+)*\.html", re.ASCII)
_TAG = re.compile(r"<[^>]*>")


def documentation_things(site: Path) -> list[SearchEntry]:
    """The pages of the documentation, to search for; none where there is none, or where it has no index of its own."""
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return list(_pages((site / _INDEX).read_text(encoding="utf-8")))
    return []


def _pages(index: str) -> Iterator[SearchEntry]:
    for one in json.loads(index)["docs"]:
        address = one["location"] or "index.html"
        # A heading within a page has its own entry, with `#`.
        if _PAGE.fullmatch(address):
            yield _plain(one["title"], 80), "documentation", f"{_FOLDER}/{address}", _plain(one["text"], 160)


def _plain(html: str, most: int) -> str:
    """The text of a piece of HTML, which the page shows as text."""
    return one_line(unescape(_TAG.sub("", html)), most)
