"""The previews of the page: those that a store kept, else the crops of panels, up to a stated size."""

from __future__ import annotations

import base64
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...boards.board import Board
from ...boards.rows import Row
from ...store.cells import cell_dir
from ...store.previews import VIEW, View, picture_file, read_views
from ...store.record import Panel, Record
from ..sections import Previews

MAX_BYTES = 24 * 2**20
"""Of all PNG files together; base64 makes a third more of them."""
NO_ROOM = -1
PARTS = ("clean", "noisy", "restored")
"""Parts of a panel, by the names that they are stored under: the truth, what a method was given, its output."""
Read = Callable[[], bytes]
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class KeptPreviews:
    """Where a store has its previews: the notes of a cell by its key, and the file of a shared one by its name."""

    of_cell: Callable[[str], Sequence[tuple[View, Path]]]
    shared: Callable[[str], Path]

    @classmethod
    def in_store(cls, store: Path) -> KeptPreviews:
        """Those of a store."""
        return cls(lambda key: read_views(cell_dir(store, key) / "outputs"), lambda name: picture_file(store, name))


def previews_of(records: Iterable[Record], kept: KeptPreviews | None) -> Previews:
    """Where one side of a comparison has its previews: those that its store kept, else the crop of each record."""
    crops = {r.cell["key"]: r.panel for r in records if r.panel is not None}

    def find(key: str) -> Sequence[Panel]:
        panels = []
        if kept is not None:
            for view, file in kept.of_cell(key):
                with suppress(OSError):
                    files = (kept.shared(view.clean), kept.shared(view.noisy), file)
                    panels.append(Panel(view.item, dict(zip(PARTS, (f.read_bytes() for f in files), strict=True))))
        crop = crops.get(key)
        return panels or ([crop] if crop is not None else [])

    return find


@dataclass(frozen=True)
class _Shown:
    """One item of a board: where its previews come from, those of outputs by the place of their row."""

    board: int
    item: str
    size: tuple[int, int]
    place: tuple[int, int, int, int] | None
    truth: Read
    given: Read
    outputs: dict[int, Read]


@dataclass
class _Album:
    """PNGs as the page holds them: each once, numbered, as many as there is room for."""

    room: int
    numbers: dict[bytes, int] = field(default_factory=dict)

    def put(self, read: Read) -> int | None:
        """The number of a PNG; None for what is none, `NO_ROOM` where it does not fit."""
        data = read()
        if not data.startswith(_PNG) or len(data) < 24:
            return None
        if data not in self.numbers:
            if len(data) > self.room:
                return NO_ROOM
            self.room -= len(data)
            self.numbers[data] = len(self.numbers)
        return self.numbers[data]

    def addresses(self) -> list[str]:
        """All of them as data addresses, by number."""
        return [f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in self.numbers]


def page_previews(
    boards: Sequence[Board], kept: KeptPreviews | None, items: str = "items"
) -> tuple[list[list[dict[str, Any]]], list[str], str]:
    """(for each board its items, PNGs as data addresses, what was left out and why); `items` is what these are called.

    The first kept item of every board comes first, on it the best methods, until `MAX_BYTES` are used.
    """
    by_board = [_of_board(i, board, kept) for i, board in enumerate(boards)]
    entries: dict[int, list[dict[str, Any]]] = defaultdict(list)
    album, left_out = _Album(MAX_BYTES), 0
    for depth in range(max((len(own) for own in by_board), default=0)):
        level = [own[depth] for own in by_board if depth < len(own)]
        opened: dict[int, dict[str, Any]] = {}
        for shown, row in _best_first(level):
            if shown.board not in opened:
                opened[shown.board] = _entry(shown, album)
            entry = opened[shown.board]
            number = album.put(shown.outputs[row]) if entry["truth"] not in (None, NO_ROOM) else NO_ROOM
            if number == NO_ROOM:
                left_out += 1
            elif number is not None:
                entry["outputs"][row] = number
        for board, entry in opened.items():
            if entry["outputs"]:
                entry["given"] = None if entry["given"] == NO_ROOM else entry["given"]
                entries[board].append(entry)
    notes = []
    if any(s.place and s.size != s.place[2:] for own in by_board for s in own):
        notes.append(f"of {items} larger than {VIEW} pixels the part with most detail is shown")
    if left_out:
        notes.append(f"{left_out} previews are left out: a page holds {MAX_BYTES // 2**20} MiB of them, best first")
    return [entries[i] for i in range(len(boards))], album.addresses(), "; ".join(notes)


def _entry(shown: _Shown, album: _Album) -> dict[str, Any]:
    """An item as the page has it, without its outputs: sizes in pixels, and the numbers of truth and input."""
    height, width = shown.place[2:] if shown.place else _size(shown.truth())
    return {
        "item": shown.item, "full": shown.size, "at": (shown.place or (0, 0))[:2], "w": width, "h": height,
        "truth": album.put(shown.truth), "given": album.put(shown.given), "outputs": {},
    }  # fmt: skip


def _best_first(level: Sequence[_Shown]) -> Iterator[tuple[_Shown, int]]:
    for place in range(max((len(shown.outputs) for shown in level), default=0)):
        for shown in level:
            rows = sorted(shown.outputs)
            if place < len(rows):
                yield shown, rows[place]


def _of_board(number: int, board: Board, kept: KeptPreviews | None) -> list[_Shown]:
    rows = [(i, row) for i, row in enumerate(board.rows) if row.inputs == board.inputs]
    files: dict[View, dict[int, Path]] = defaultdict(dict)
    if kept is not None:
        for i, row in rows:
            for view, file in kept.of_cell(row.keys[0]):
                files[view][i] = file
    # Several seeds give several inputs of an item: the one that most methods have.
    best: dict[str, View] = {}
    for view in sorted(files, key=lambda v: (-len(files[v]), v.noisy)):
        best.setdefault(view.item, view)
    if kept is None or not best:
        return _panels(number, rows)
    order = {item: i for i, item in enumerate(board.items)}
    return [
        _Shown(number, v.item, v.size, v.place, _reader(kept.shared(v.clean)), _reader(kept.shared(v.noisy)),
               {i: _reader(file) for i, file in files[v].items()})
        for v in sorted(best.values(), key=lambda v: order.get(v.item, len(order)))
    ]  # fmt: skip


def _panels(number: int, rows: Sequence[tuple[int, Row]]) -> list[_Shown]:
    """The one item of which most rows have a panel of all three parts."""
    panels = {i: row.panel for i, row in rows if row.panel is not None and row.panel.parts.keys() >= set(PARTS)}

    def shared(panel: Panel) -> tuple[str, bytes, bytes]:
        return panel.item, panel.parts["clean"], panel.parts["noisy"]

    count = Counter(map(shared, panels.values()))
    if not count:
        return []
    best = min(count, key=lambda key: (-count[key], key))
    item, truth, given = best
    outputs = {i: _bytes(panel.parts["restored"]) for i, panel in panels.items() if shared(panel) == best}
    return [_Shown(number, item, (0, 0), None, _bytes(truth), _bytes(given), outputs)]


def _bytes(data: bytes) -> Read:
    return lambda: data


def _reader(file: Path) -> Read:
    def read() -> bytes:
        try:
            return file.read_bytes()
        except OSError:
            return b""

    return read


def _size(png: bytes) -> tuple[int, int]:
    """(height, width) as the head of a PNG says."""
    if not png.startswith(_PNG) or len(png) < 24:
        return 0, 0
    width, height = struct.unpack(">II", png[16:24])
    return height, width
