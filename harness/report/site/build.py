"""Build a site: every page of it, from stored results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...claims.systems import JudgedSystem
from ...components.tracks import DEFAULT
from ...store.record import Record
from ...store.results import Results
from ...text.errors import UsageError
from ...text.wording import by_number, counted
from ..page.previews import KeptPreviews
from .boards import SiteBoard, make_board
from .changes import SiteChange, changes_page, feed, manifest_text, newest_changes, next_manifest, with_files
from .components import Component, component_index, component_page, places_of_datasets, places_of_methods
from .documentation import documentation_things
from .entries import SiteEntry, at_places, entries_markdown, entries_page, entry_boards, entry_page, places_in
from .index_pages import SearchEntry, board_things, boards_page, home_page, level_things
from .layout import Parts, part_links, parts_of
from .staging import DOCUMENTATION, staging
from .systems import system_index, system_path, system_site_page

_RECENT = 8


@dataclass(frozen=True)
class BoardSource:
    """The results of a board: `read` is called when the board is made. `kept` are the previews of a store."""

    name: str
    read: Callable[[], Results]
    kept: Callable[[], KeptPreviews | None]


@dataclass(frozen=True)
class Catalogue:
    """What noisebench has: methods, datasets and regimes, tracks with what they are, published systems."""

    methods: Sequence[Component]
    datasets: Sequence[Component]
    regimes: Sequence[Component]
    tracks: Mapping[str, str]
    systems: Sequence[JudgedSystem]


@dataclass(frozen=True)
class Built:
    """A site that was built: the bytes of its files by path, its boards, what changed, and which entries are on no
    board, and why."""

    files: Mapping[str, int]
    boards: int
    changes: Sequence[SiteChange]
    left_out: Sequence[str]


def build_site(
    sources: Sequence[BoardSource],
    catalogue: Catalogue,
    to: Path,
    now: datetime,
    progress: Callable[[str], None],
    entries: Sequence[SiteEntry] | None = None,
) -> Built:
    """Build the site of some results, and of `entries`, into a folder; `progress` is told of each board.

    Raises `UsageError` for results of one name, for a folder that is no site, and for what cannot be read or written;
    the folder is as it was then.
    """
    _refuse_one_name(sources)
    sent = list(entries or ())
    parts = parts_of(entries is not None, DOCUMENTATION if (to / DOCUMENTATION).is_file() else "")
    places, of_site = places_in(sent), list[Record]()
    with staging(to) as (place, before):
        boards: list[SiteBoard] = []
        for number, source in enumerate(sources, 1):
            progress(f"[{number}/{len(sources)}] {source.name}")
            results = source.read()
            board, page = make_board(source.name, results, source.kept(), part_links("../", parts))
            of_site += at_places(results, places) if places else []
            place.add(board.path, page)
            boards.append(board)
        boards.sort(key=lambda board: by_number(board.name.lower()))
        manifest = next_manifest(before, boards, {entry.name: entry.state for entry in sent}, now)
        progress("the other pages")
        ranked, left_out = entry_boards(sent, of_site) if sent else ([], [])
        if entries is not None:
            place.add("entries/index.html", entries_page(sent, ranked, parts))
            place.add("entries/boards.md", entries_markdown(ranked).encode("utf-8", "replace"))
        for entry in sent:
            place.add(entry.path, entry_page(entry, ranked, parts))
        for path, data in _pages(boards, catalogue, parts).items():
            place.add(path, data)
        recent = newest_changes(manifest.builds, _RECENT)
        things = [*board_things(boards), *_search_entries(catalogue), *documentation_things(to), *level_things(boards)]
        things += [(entry.method, "entry", entry.path, f"{entry.name}, {entry.state}") for entry in sent]
        tracks = _tracks(boards, catalogue)
        place.add(
            "index.html",
            home_page(boards, tracks, things, recent, _counts(boards, catalogue), parts),
        )
        place.add("changes.html", changes_page(manifest.builds, parts))
        place.add("feed.xml", feed(manifest))
        place.publish(manifest_text(with_files(manifest, place.files)))
    known = [] if before is None else before.builds
    changes = manifest.builds[0].changes if manifest.builds and manifest.builds[:1] != known[:1] else []
    return Built(place.files, len(boards), changes, left_out)


def _refuse_one_name(sources: Sequence[BoardSource]) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.name.lower() in seen:
            raise UsageError(f"two results would be the board {source.name!r}: rename the file or folder of one")
        seen.add(source.name.lower())


def _pages(boards: Sequence[SiteBoard], catalogue: Catalogue, parts: Parts) -> dict[str, bytes]:
    """The pages of systems, methods, datasets, and their lists."""
    methods, datasets = places_of_methods(boards), places_of_datasets(boards)
    pages: dict[str, bytes] = {}
    for method in catalogue.methods:
        at = methods.get((method.track, method.name), ())
        pages[method.path("method")] = component_page(method, "method", at, parts)
    for dataset in catalogue.datasets:
        at = datasets.get((dataset.track, dataset.name), ())
        pages[dataset.path("dataset")] = component_page(dataset, "dataset", at, parts)
    pages["methods/index.html"] = component_index(catalogue.methods, "method", methods, parts)
    pages["datasets/index.html"] = component_index(catalogue.datasets, "dataset", datasets, parts)
    addresses = {f"method {one.track}/{one.name}": one.path("method") for one in catalogue.methods}
    addresses |= {f"dataset {one.track}/{one.name}": one.path("dataset") for one in catalogue.datasets}
    by_name = {board.name: board for board in boards}
    for system in catalogue.systems:
        pages[system_path(system.system.number)] = system_site_page(system, by_name, addresses, parts)
    pages["systems/index.html"] = system_index(catalogue.systems, parts)
    of_datasets = {(one.track, one.name): one.path("dataset") for one in catalogue.datasets}
    tracks = _tracks(boards, catalogue)
    pages["boards/index.html"] = boards_page(boards, tracks, catalogue.regimes, of_datasets, parts)
    return pages


def _tracks(boards: Sequence[SiteBoard], catalogue: Catalogue) -> dict[str, str]:
    """The tracks that have boards, the default one first, with what they are."""
    names = {track for board in boards for track in board.tracks}
    return {name: catalogue.tracks.get(name, "") for name in sorted(names, key=lambda name: (name != DEFAULT, name))}


def _counts(boards: Sequence[SiteBoard], catalogue: Catalogue) -> str:
    levels = sum(len(board.levels) for board in boards)
    return ", ".join((
        f"{counted(len(boards), 'board')} with {counted(levels, 'level')}", counted(len(catalogue.methods), "method"),
        counted(len(catalogue.datasets), "dataset"), counted(len(catalogue.systems), "published system"),
    ))  # fmt: skip


def _search_entries(catalogue: Catalogue) -> list[SearchEntry]:
    """What there is to search for besides boards."""
    things = [
        (one.system.name, "system", system_path(one.system.number), one.system.about) for one in catalogue.systems
    ]
    things += [(one.name, f"method, {one.track}", one.path("method"), one.about) for one in catalogue.methods]
    return things + [(one.name, f"dataset, {one.track}", one.path("dataset"), one.about) for one in catalogue.datasets]
