"""A page of the site around its contents: head, policy, links to the other parts, footer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ... import __version__
from .markup import Content, Html, element, escaped, joined, link

NAME = "noisebench"
Parts = Mapping[str, str]
"""The parts of a site by name: the addresses of the pages that they begin with."""


def parts_of(entries: bool, documentation: str) -> Parts:
    """The parts of a site, that of its documentation where it has an address."""
    parts = {
        "Boards": "boards/index.html",
        "Systems": "systems/index.html",
        "Methods": "methods/index.html",
        "Datasets": "datasets/index.html",
        "Entries": "entries/index.html" if entries else "",
        "Changes": "changes.html",
        "Documentation": documentation,
    }
    return {name: address for name, address in parts.items() if address}


def part_links(root: str, parts: Parts) -> dict[str, str]:
    """Address by name of the home page and of each part, seen from a page whose way to the home folder is `root`."""
    return {NAME: f"{root}index.html", **{name: root + address for name, address in parts.items()}}


def whole_page(path: str, title: str, *contents: Content, parts: Parts, about: str = "") -> bytes:
    """The page at a path of the site; `about` says in a sentence what it is, for who links to it."""
    root = "../" * path.count("/")
    current = next((name for name, start in parts.items() if path.startswith(start.removesuffix("index.html"))), NAME)
    links = [
        element("a", name, href=address, aria_current="page" if name == current else False)
        for name, address in part_links(root, parts).items()
    ]
    theme = element("button", "Theme", id="theme", type="button", hidden=True, title="dark or light")
    body = joined([
        element("a", "Skip to the contents", class_="skip", href="#contents"),
        element("header", element("nav", *links, aria_label="Site"), theme),
        element("main", *contents, id="contents", tabindex="-1"),
        element(
            "footer",
            f"Made by noisebench {__version__} from stored results. ",
            link("Feed", f"{root}feed.xml"),
        ),
    ])  # fmt: skip
    shown = title if title == NAME else f"{title} · {NAME}"
    described = element("meta", name="description", content=about) if about else Html("")
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escaped(shown)}</title>{described}",
        f'<link rel="alternate" type="application/atom+xml" title="Changes" href="{root}feed.xml">',
        f"<style>{_asset('site.css')}</style>\n</head>\n<body>",
        body.text,
        f"<script>{_asset('site.js')}</script>\n</body>\n</html>\n",
    ]).encode("utf-8", "replace")  # fmt: skip


@cache
def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@cache
def _policy() -> str:
    style, script = (
        base64.b64encode(hashlib.sha256(_asset(name).encode()).digest()).decode() for name in ("site.css", "site.js")
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'"
    )
