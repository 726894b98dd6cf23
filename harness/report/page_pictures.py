"""The pictures of the page: those that a store kept, else the crops of panels, up to a stated size."""

from __future__ import annotations

import base64
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.board import Board
from ..analysis.rows import Row
from ..store.cells import cell_dir
from ..store.views import VIEW, View, picture_file, read_views

MAX_BYTES = 24 * 2**20
"""Of all PNG files together; base64 makes a third more of them."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Kept:
    """Where a store has its pictures: the notes of a cell by its key, and the file of a shared picture by its name."""

    of_cell: Callable[[str], Sequence[tuple[View, Path]]]
    shared: Callable[[str], Path]

    @classmethod
    def in_store(cls, store: Path) -> Kept:
        """Those of a store."""
        return cls(lambda key: read_views(cell_dir(store, key) / "outputs"), lambda name: picture_file(store, name))


@dataclass(frozen=True)
class _Shown:
    """One item of a board: where its pictures come from, restored ones by the place of their row."""

    board: int
    item: str
    size: tuple[int, int]
    place: tuple[int, int, int, int] | None
    clean: Callable[[], bytes]
    noisy: Callable[[], bytes]
    restored: dict[int, Callable[[], bytes]]


def page_pictures(boards: Sequence[Board], kept: Kept | None) -> tuple[list[list[dict[str, Any]]], list[str], str]:
    """(for each board its items, pictures as data addresses, what was left out and why).

    The first kept item of every board comes first, on it the best methods, until `MAX_BYTES` are used.
    """
    found = [_of_board(i, board, kept) for i, board in enumerate(boards)]
    sets: dict[int, list[dict[str, Any]]] = defaultdict(list)
    pictures: dict[bytes, int] = {}
    budget, left_out, cropped = MAX_BYTES, 0, any(s.place and s.size != s.place[2:] for own in found for s in own)

    def put(read: Callable[[], bytes]) -> int | None:
        nonlocal budget
        data = read()
        if not data.startswith(_PNG) or len(data) < 24:
            return None
        if data not in pictures:
            if len(data) > budget:
                return -1
            budget -= len(data)
            pictures[data] = len(pictures)
        return pictures[data]

    for depth in range(max((len(own) for own in found), default=0)):
        level = [own[depth] for own in found if depth < len(own)]
        entries: dict[int, dict[str, Any]] = {}
        for shown, row in _best_first(level):
            entry = entries.get(shown.board)
            if entry is None:
                clean, noisy = put(shown.clean), put(shown.noisy)
                height, width = shown.place[2:] if shown.place else _size(shown.clean())
                entry = entries[shown.board] = {
                    "item": shown.item, "full": shown.size, "at": (shown.place or (0, 0))[:2], "w": width, "h": height,
                    "clean": clean, "noisy": noisy, "restored": {},
                }  # fmt: skip
            number = put(shown.restored[row]) if entry["clean"] not in (None, -1) else -1
            if number == -1:
                left_out += 1
            elif number is not None:
                entry["restored"][row] = number
        for board, entry in entries.items():
            if entry["restored"]:
                entry["noisy"] = None if entry["noisy"] == -1 else entry["noisy"]
                sets[board].append(entry)
    said = []
    if cropped:
        said.append(f"of pictures larger than {VIEW} pixels the part with most detail is shown")
    if left_out:
        said.append(f"{left_out} pictures are left out: a page holds {MAX_BYTES // 2**20} MiB of pictures, best first")
    data = [f"data:image/png;base64,{base64.b64encode(png).decode()}" for png in pictures]
    return [sets[i] for i in range(len(boards))], data, "; ".join(said)


def _best_first(level: Sequence[_Shown]) -> Iterator[tuple[_Shown, int]]:
    for place in range(max((len(shown.restored) for shown in level), default=0)):
        for shown in level:
            rows = sorted(shown.restored)
            if place < len(rows):
                yield shown, rows[place]


def _of_board(number: int, board: Board, kept: Kept | None) -> list[_Shown]:
    rows = [(i, row) for i, row in enumerate(board.rows) if row.inputs == board.inputs]
    found: dict[Any, dict[int, Path]] = defaultdict(dict)
    if kept is not None:
        for i, row in rows:
            for view, file in kept.of_cell(row.keys[0]):
                found[view][i] = file
    # Several seeds give several noisy pictures of an item: the one that most methods have.
    best: dict[str, View] = {}
    for view in sorted(found, key=lambda v: (-len(found[v]), v.noisy)):
        best.setdefault(view.item, view)
    if kept is None or not best:
        return _panels(number, rows)
    order = {item: i for i, item in enumerate(board.items)}
    return [
        _Shown(number, v.item, v.size, v.place, _reader(kept.shared(v.clean)), _reader(kept.shared(v.noisy)),
               {i: _reader(file) for i, file in found[v].items()})
        for v in sorted(best.values(), key=lambda v: order.get(v.item, len(order)))
    ]  # fmt: skip


def _panels(number: int, rows: Sequence[tuple[int, Row]]) -> list[_Shown]:
    count = Counter((r.panel.item, r.panel.clean, r.panel.noisy) for _, r in rows if r.panel is not None)
    if not count:
        return []
    item, clean, noisy = min(count, key=lambda key: (-count[key], key))
    restored = {
        i: _given(row.panel.restored)
        for i, row in rows
        if row.panel is not None and (row.panel.item, row.panel.clean, row.panel.noisy) == (item, clean, noisy)
    }
    return [_Shown(number, item, (0, 0), None, _given(clean), _given(noisy), restored)]


def _given(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _reader(file: Path) -> Callable[[], bytes]:
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
