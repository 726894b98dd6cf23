"""The previews of the page: those that a store kept, else the crops of panels, up to a stated size."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...boards.board import Board
from ...boards.rows import Row
from ...data.png_files import png_size
from ...store.cells import cell_dir
from ...store.previews import VIEW, View, picture_file, read_views
from ...store.record import Panel, Record
from ...store.results import Results
from ..escape import slug
from ..track_protocols import Previews
from .item_order import BEST, Worth, order_items

MAX_BYTES = 24 * 2**20
"""Of all PNG and WAV files together; base64 makes a third more of them."""
MAX_SOUND_BYTES = 3 * 10**6
"""Of the WAV files among them."""
NO_ROOM = -1
PARTS = ("clean", "noisy", "restored")
"""Parts of a panel, by the names that they are stored under: the truth, what a method was given, its output."""
SOUNDS = tuple(f"{part}.wav" for part in PARTS)
"""The same to listen to, where a track keeps it."""
SECONDS = "seconds"
"""How long the whole of it is, as text."""
Picture = bytes | Path
"""A PNG, or the file that has it."""
BESIDE = "leaderboard_pictures"
"""The folder beside the page for what has no room in it."""
BESIDE_FILES = f"{BESIDE}/*-{'[0-9a-f]' * 16}.png"
"""What an earlier report has left there."""


@dataclass(frozen=True)
class KeptPreviews:
    """Where a store has its previews: the notes of a cell by its key, and the file of a shared one by its name."""

    of_cell: Callable[[str], Sequence[tuple[View, Path]]]
    shared: Callable[[str], Path]

    @classmethod
    def in_store(cls, store: Path) -> KeptPreviews | None:
        """Those of a store, None where it has none."""
        if not (store / "pictures").is_dir():
            return None
        return cls(lambda key: read_views(cell_dir(store, key) / "outputs"), lambda name: picture_file(store, name))


def previews_of(records: Iterable[Record], kept: KeptPreviews | None) -> Previews:
    """Where one side of a comparison has its previews: those that its store kept, else the crop of each record."""
    results = Results.of(records)
    places: dict[str, int] = {}

    def find(key: str) -> Sequence[Panel]:
        panels = []
        if kept is not None:
            for view, file in kept.of_cell(key):
                with suppress(OSError):
                    files = (kept.shared(view.clean), kept.shared(view.noisy), file)
                    panels.append(Panel(view.item, dict(zip(PARTS, (f.read_bytes() for f in files), strict=True))))
        if panels:
            return panels
        # Few cells of very many are looked up.
        places.update(() if places else zip(results.column("key"), range(len(results)), strict=True))
        crop = results[places[key]].panel if key in places else None
        return [crop] if crop is not None else []

    return find


@dataclass(frozen=True)
class PagePreviews:
    """The previews of a page: `items` of each board, the `addresses` of all pictures, a `note` on what is shown.

    `beside` are the pictures of addresses that lead into a folder beside the page, by their path there.
    """

    items: Sequence[Sequence[Mapping[str, Any]]]
    addresses: Sequence[str]
    note: str
    beside: Mapping[str, Picture]


@dataclass(frozen=True)
class _ShownItem:
    """One item of a board: where its previews come from, those of outputs by the place of their row."""

    board: int
    item: str
    size: tuple[int, int]
    place: tuple[int, int, int, int] | None
    truth: Picture
    given: Picture
    outputs: Mapping[int, Picture]
    worth: Worth
    sounds: Mapping[int | str, bytes] = field(default_factory=dict)
    """WAVs by the place of their row, and of `truth` and `given`."""
    seconds: float | None = None
    """How long the whole item is, where that is known."""
    duration_and_rate: tuple[float, int] | None = None
    """How many seconds its sounds have, and their sample rate."""

    def rows(self) -> list[int]:
        """The best method first, then those whose worst case the item is, then the others by rank."""
        best = min(self.outputs, default=0)
        return sorted(self.outputs, key=lambda row: (row != best, row not in self.worth.worst_of, row))

    def sound_names(self) -> list[int | str]:
        """The names of its sounds: truth and input first, then as `rows`."""
        names: list[int | str] = ["truth", "given", *self.rows()]
        return [name for name in names if name in self.sounds]


@dataclass
class _Album:
    """PNGs and WAVs as the page holds them: each once, numbered, as many as it has room for; `beside` it the others."""

    room: int
    linked: bool
    numbers: dict[str, int] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    beside: dict[str, Picture] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)

    def put(self, picture: Picture, item: str) -> int | None:
        """The number of a PNG; None for what is none, `NO_ROOM` where it does not fit."""
        size = _bytes_of(picture)
        # What does not fit is read only where it may be one that is there already.
        if size > self.room and size not in self.sizes and not self.linked:
            return NO_ROOM
        data = _read(picture)
        if png_size(data) is None:
            return None
        name = hashlib.sha256(data).hexdigest()
        if name not in self.numbers:
            if len(data) > self.room and not self.linked:
                return NO_ROOM
            self.sizes.add(len(data))
            self.numbers[name] = len(self.addresses)
            if len(data) <= self.room:
                self.room -= len(data)
                self.addresses.append(f"data:image/png;base64,{base64.b64encode(data).decode()}")
            else:
                path = f"{BESIDE}/{slug(item)}-{name[:16]}.png"
                self.addresses.append(path)
                self.beside[path] = picture
        return self.numbers[name]

    def put_sound(self, data: bytes) -> int | None:
        """The number of a WAV; None for what is none, `NO_ROOM` where it does not fit. None lies beside the page."""
        if not _is_wav(data):
            return None
        name = hashlib.sha256(data).hexdigest()
        if name not in self.numbers:
            if len(data) > self.room:
                return NO_ROOM
            self.room -= len(data)
            self.numbers[name] = len(self.addresses)
            self.addresses.append(f"data:audio/wav;base64,{base64.b64encode(data).decode()}")
        return self.numbers[name]


def page_previews(
    boards: Sequence[Board],
    kept: KeptPreviews | None,
    items: str = "items",
    *,
    beside: bool = False,
    most: int | None = None,
) -> PagePreviews:
    """What a page shows of the kept items, up to `most` bytes (else `MAX_BYTES`); `items` is what these are called.

    Of every board comes first the item that tells its methods apart most, then the worst cases of its best methods,
    then the others as they tell; of an item first what the best methods made of it. `beside` puts what has no room
    into a folder beside the page. Sounds get up to half of the room, and what pictures leave, but no more than
    `MAX_SOUND_BYTES`.
    """
    by_board = [_in_order(board, _of_board(i, board, kept)) for i, board in enumerate(boards)]
    entries: dict[int, list[dict[str, Any]]] = defaultdict(list)
    most = MAX_BYTES if most is None else most
    kept_for_sounds = min(_bytes_of_sounds(by_board), MAX_SOUND_BYTES, most // 2)
    album, left_out, outputs = _Album(most - kept_for_sounds, beside), 0, 0
    for depth in range(max((len(of_board) for of_board in by_board), default=0)):
        level = [of_board[depth] for of_board in by_board if depth < len(of_board)]
        opened: dict[int, dict[str, Any]] = {}
        for shown, row in _in_turn(level):
            if shown.board not in opened:
                opened[shown.board] = _entry(shown, album)
            entry = opened[shown.board]
            has_truth = entry["truth"] not in (None, NO_ROOM)
            number = album.put(shown.outputs[row], shown.item) if has_truth else NO_ROOM
            if number == NO_ROOM:
                left_out += 1
            elif number is not None:
                outputs += 1
                entry["outputs"][row] = number
        for board, entry in opened.items():
            if entry["outputs"]:
                entry["given"] = None if entry["given"] == NO_ROOM else entry["given"]
                entries[board].append(entry)
    for board, of_board in entries.items():
        order = {item: i for i, item in enumerate(boards[board].items)}
        of_board.sort(key=lambda entry: order.get(entry["item"], len(order)))
    album.room = room_of_sounds = min(album.room + kept_for_sounds, MAX_SOUND_BYTES)
    played, silent = _add_sounds(by_board, entries, album)
    notes = []
    if any(s.place and s.size != s.place[2:] for of_board in by_board for s in of_board):
        notes.append(f"of {items} larger than {VIEW} pixels the part with most detail is shown")
    room = f"{most / 2**20:.2g} MiB of previews"
    if album.beside:
        notes.append(f"{room} are in this file, the other {len(album.beside)} pictures in {BESIDE} beside it")
    elif left_out:
        notes.append(f"{outputs} of {outputs + left_out} previews are shown, because a page holds {room}")
    if left_out or album.beside:
        notes.append(f"first come the {items} that tell methods apart most and the worst cases of the {BEST} best")
    if silent:
        notes.append(
            f"{len(silent)} of {played + len(silent)} clips ({sum(silent):.3g} s) have no player, because a page holds "
            f"{room_of_sounds / 1e6:.2g} MB of sound"
        )
    return PagePreviews([entries[i] for i in range(len(boards))], album.addresses, "; ".join(notes), album.beside)


def has_sounds(boards: Iterable[Board]) -> bool:
    """Whether a row of the boards has something to listen to."""
    return any(row.panel is not None and row.panel.parts.keys() >= set(SOUNDS) for b in boards for row in b.rows)


def _bytes_of_sounds(by_board: Sequence[Sequence[_ShownItem]]) -> int:
    """How large all sounds are together, each once."""
    return sum(map(len, {data for of_board in by_board for shown in of_board for data in shown.sounds.values()}))


def _add_sounds(
    by_board: Sequence[Sequence[_ShownItem]], entries: Mapping[int, Sequence[dict[str, Any]]], album: _Album
) -> tuple[int, list[float]]:
    """Add to the items that are shown what there is to listen to, the best methods first.

    How many fit, and how many seconds each of the others has.
    """
    players = [
        (entry, shown, shown.sound_names())
        for of_board in by_board
        for shown in of_board
        for entry in entries.get(shown.board, ())
        if shown.sounds and entry["item"] == shown.item
    ]
    played: int = 0
    silent: list[float] = []
    for place in range(max((len(names) for _, _, names in players), default=0)):
        for entry, shown, names in players:
            number = album.put_sound(shown.sounds[names[place]]) if place < len(names) else None
            if number == NO_ROOM:
                silent.append(shown.duration_and_rate[0] if shown.duration_and_rate else 0.0)
            elif number is not None:
                played += 1
                entry.setdefault("sounds", {})[names[place]] = number
    return played, silent


def _seconds_and_rate(wav: bytes) -> tuple[float, int] | None:
    """How many seconds a WAV of ours has, and its sample rate, both as its header says; None for what is no WAV."""
    if not _is_wav(wav) or len(wav) < 44:
        return None
    rate, per_second = struct.unpack_from("<II", wav, 24)
    return (round((len(wav) - 44) / per_second, 3), rate) if rate and per_second else None


def _is_wav(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WAVE"


def _entry(shown: _ShownItem, album: _Album) -> dict[str, Any]:
    """An item as the page has it, without its outputs: sizes in pixels, and the numbers of truth and input."""
    height, width = shown.place[2:] if shown.place else png_size(_read(shown.truth)) or (0, 0)
    return {
        "item": shown.item, "full": shown.size, "at": (shown.place or (0, 0))[:2], "w": width, "h": height,
        "tells": shown.worth.tells, "truth": album.put(shown.truth, shown.item),
        "given": album.put(shown.given, shown.item), "outputs": {},
        **({} if shown.seconds is None else {"seconds": shown.seconds}),
        **({} if shown.duration_and_rate is None else {"heard": shown.duration_and_rate}),
    }  # fmt: skip


def _in_turn(level: Sequence[_ShownItem]) -> Iterator[tuple[_ShownItem, int]]:
    """One output of each item, then the next one of each."""
    orders = [shown.rows() for shown in level]
    for place in range(max(map(len, orders), default=0)):
        for shown, rows in zip(level, orders, strict=True):
            if place < len(rows):
                yield shown, rows[place]


def _in_order(board: Board, of_board: Sequence[_ShownItem]) -> list[_ShownItem]:
    """The kept items of a board as they are shown."""
    by_item = {shown.item: shown for shown in of_board}
    return [replace(by_item[worth.item], worth=worth) for worth in order_items(board, list(by_item))]


def _of_board(number: int, board: Board, kept: KeptPreviews | None) -> list[_ShownItem]:
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
        _ShownItem(number, v.item, v.size, v.place, kept.shared(v.clean), kept.shared(v.noisy),
               files[v], Worth(v.item))
        for v in sorted(best.values(), key=lambda v: order.get(v.item, len(order)))
    ]  # fmt: skip


def _panels(number: int, rows: Sequence[tuple[int, Row]]) -> list[_ShownItem]:
    """The one item of which most rows have a panel of all three parts."""
    panels = {i: row.panel for i, row in rows if row.panel is not None and row.panel.parts.keys() >= set(PARTS)}

    def shared(panel: Panel) -> tuple[str, bytes, bytes]:
        return panel.item, panel.parts["clean"], panel.parts["noisy"]

    count = Counter(map(shared, panels.values()))
    if not count:
        return []
    best = min(count, key=lambda key: (-count[key], key))
    item, truth, given = best
    alike = {i: panel.parts for i, panel in panels.items() if shared(panel) == best}
    outputs = {i: parts["restored"] for i, parts in alike.items()}
    sounds: dict[int | str, bytes] = {}
    for i, parts in alike.items():
        if parts.keys() >= set(SOUNDS):
            sounds.setdefault("truth", parts["clean.wav"])
            sounds.setdefault("given", parts["noisy.wav"])
            sounds[i] = parts["restored.wav"]
    seconds = next((whole for parts in alike.values() if (whole := _seconds(parts)) is not None), None)
    duration = _seconds_and_rate(sounds.get("truth", b""))
    return [_ShownItem(number, item, (0, 0), None, truth, given, outputs, Worth(item), sounds, seconds, duration)]


def _seconds(parts: Mapping[str, bytes]) -> float | None:
    """How long the whole item of a panel is, which panels of before do not say."""
    text = parts.get(SECONDS, b"")
    return float(text) if re.fullmatch(rb"\d{1,6}(\.\d{1,6})?", text) else None


def _bytes_of(picture: Picture) -> int:
    """How large a picture is; 0 where its file is gone."""
    try:
        return len(picture) if isinstance(picture, bytes) else picture.stat().st_size
    except OSError:
        return 0


def _read(picture: Picture) -> bytes:
    """The bytes of a picture; none where its file is gone."""
    try:
        return picture if isinstance(picture, bytes) else picture.read_bytes()
    except OSError:
        return b""
