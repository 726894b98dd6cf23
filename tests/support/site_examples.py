"""Small sites for tests: what they are made of, and what is read of their pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from noisebench.claims.effects import all_claims
from noisebench.claims.systems import judged_systems, read_systems
from noisebench.report.site.build import BoardSource, Built, Catalogue, build_site
from noisebench.report.site.components import Component, Parameter
from noisebench.store.record import Record
from noisebench.store.results import Results

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def component(name: str, track: str = "restore", about: str = "What it is.", **declared: object) -> Component:
    doc = f"{about}\n\nMore of `it`.\n\n    an example"
    return Component(name, track, 2, about, doc, (Parameter("h", "number", "0.6"),), declared)


CATALOGUE = Catalogue(
    methods=[component("nlm", cite="Buades 2005, https://example.org/nlm."), component("median")],
    datasets=[component("photos", licence="public domain")],
    regimes=[component("gaussian", about="White Gaussian noise.")],
    tracks={"restore": "Items are pictures."},
    systems=judged_systems(read_systems()[:3], all_claims()),
)


def source(name: str, records: Sequence[Record]) -> BoardSource:
    return BoardSource(name, lambda: Results.of(records), lambda: None)


def build(to: Path, *sources: BoardSource, catalogue: Catalogue = CATALOGUE, now: datetime = NOW) -> Built:
    return build_site(sources, catalogue, to, now, lambda _: None)


def text_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Page(HTMLParser):
    """Elements with their attributes, the addresses, the ids, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Mapping[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def addresses(self) -> list[str]:
        return [given[name] or "" for _, given in self.elements for name in ("href", "src") if name in given]

    @property
    def ids(self) -> set[str]:
        return {given["id"] or "" for _, given in self.elements if "id" in given}


def broken_links(folder: Path) -> Iterator[str]:
    """Each link that leads nowhere, with the page that it is on; what leaves the site is not looked at."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        for address in page.addresses:
            if address.startswith(("https://", "http://")):
                continue
            place, fragment = urldefrag(address)
            to = (path.parent / unquote(place)).resolve() if place else path
            if not to.is_file():
                yield f"{path.relative_to(folder)}: {address}"
            elif fragment and "boards/" not in str(to.parent) + "/" and fragment not in pages[to].ids:
                yield f"{path.relative_to(folder)}: {address} has no such place"
