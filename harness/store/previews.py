"""Pictures to look at: 8-bit PNGs of kept items. Clean and noisy ones are shared by all cells of a store.

`outputs/<index>.png` of a cell is the restored picture, `outputs/<index>.json` says which part of it is shown and
names the clean and the noisy picture, which lie in `STORE/pictures/` under the SHA-256 of their pixels.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..data.disk import read_regular
from ..data.png_files import pixels_sha256
from ..text.json_values import parsed
from .record import Panel

VIEW = 512
"""Larger pictures are shown as the part of this size with most detail."""
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class View:
    """What is kept of one item: its full (height, width), the part shown (top, left, height, width), two hashes."""

    item: str
    size: tuple[int, int]
    place: tuple[int, int, int, int]
    clean: str
    noisy: str


def panel_text(item: str, parts: Mapping[str, bytes]) -> str:
    """`panel.json` of a cell: the PNGs and WAVs of one item, for reports."""
    return json.dumps({"item": item, **{name: base64.b64encode(png).decode() for name, png in parts.items()}})


def read_panel(file: Path) -> Panel | None:
    """The panel of a cell, None where there is none or it is damaged."""
    try:
        data = parsed(read_regular(file))
        item = data.pop("item")
        if not isinstance(item, str):
            return None
        return Panel(item, {str(name): base64.b64decode(text) for name, text in data.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def picture_file(store: Path, name: str) -> Path:
    """Where a shared picture lies."""
    return store / "pictures" / name[:2] / f"{name}.png"


def write_view(outputs: Path, index: int, view: View) -> None:
    """Write the note on one kept item into a cell's `outputs`."""
    (outputs / f"{index:05d}.json").write_text(json.dumps(asdict(view), sort_keys=True), encoding="utf-8")


def read_views(outputs: Path) -> list[tuple[View, Path]]:
    """The kept items of a cell with the file of each restored picture, in their order; damaged notes are left out."""
    views = []
    for note in sorted(outputs.glob("*.json")):
        view = _read(note)
        if view is not None and note.with_suffix(".png").is_file():
            views.append((view, note.with_suffix(".png")))
    return views


def _read(note: Path) -> View | None:
    try:
        data: dict[str, Any] = parsed(read_regular(note))
        view = View(data["item"], tuple(data["size"]), tuple(data["place"]), data["clean"], data["noisy"])
        sizes = (*view.size, *view.place)
        sound = isinstance(view.item, str) and len(sizes) == 6 and all(isinstance(n, int) for n in sizes)
        return view if sound and all(_NAME.fullmatch(n) for n in (view.clean, view.noisy)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def wrong_views(store: Path, outputs: Path) -> Iterator[str]:
    """What is wrong with the kept pictures of a cell: a damaged note, a picture that is gone or is another."""
    for note in sorted(outputs.glob("*.json")):
        view = _read(note)
        if view is None:
            yield f"{note.name} is damaged"
            continue
        if pixels_sha256(note.with_suffix(".png")) is None:
            yield f"{note.with_suffix('.png').name} is missing or damaged"
        for kind, name in (("clean", view.clean), ("noisy", view.noisy)):
            if pixels_sha256(picture_file(store, name)) != name:
                yield f"the {kind} picture of {view.item} is missing or damaged"


def unnamed_pictures(store: Path) -> list[Path]:
    """Shared pictures that no cell, finished or not, names."""
    named: set[str] = set()
    # Pictures first, then the notes: a picture that a run adds meanwhile is not in the list.
    pictures = sorted(file for file in store.glob("pictures/*/*.png") if not file.is_dir())
    for pattern in ("cells/*/*/outputs/*.json", "partial/*/outputs/*.json"):
        for note in store.glob(pattern):
            view = _read(note)
            named |= {view.clean, view.noisy} if view else set()
    return [file for file in pictures if file.stem not in named]
