"""Files of somebody else's results, each found by the id of its item."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import noisebench as nb


class NamedFiles:
    """The files with one of the `suffixes` in the folder `path`; messages call one `item`, such as `picture`."""

    def __init__(self, path: str, suffixes: Collection[str], item: str) -> None:
        self.path, self.item = path, item
        self.files = nb.list_files(path, suffixes, "**/*")
        self.stems: dict[str, list[str]] = {}
        for name in self.files:
            self.stems.setdefault(name[: -len(Path(name).suffix)], []).append(name)

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Notes on files without an item. Raises `UsageError` where one of the first `chosen` of `ids` has no file."""
        missing = [name for name in ids[:chosen] if self.file_of(name) is None]
        if missing:
            raise nb.UsageError(
                f"no {self.item} named {listing(missing)} in {self.path!r}: {len(missing)} of {chosen} missing; it "
                f"holds {listing(sorted(self.files), 3)}"
            )
        known = {self.file_of(name) for name in ids}
        extra = sorted(name for name, file in self.files.items() if file not in known)
        return [f"{self.item}s in {self.path!r} that the dataset does not have: {listing(extra)}"] if extra else []

    def file_of(self, item: str) -> Path | None:
        """The file for an id of the dataset, which has an ending only where it would be ambiguous without.

        Raises `UsageError` where there are two.
        """
        names = [item] if item in self.files else self.stems.get(item, [])
        if len(names) > 1:
            raise nb.UsageError(f"two {self.item}s named {item!r} in {self.path!r}, {listing(names)}: keep one")
        return self.files[names[0]] if names else None


def digests(path: str, suffixes: Collection[str]) -> dict[str, str]:
    """File name → SHA-256: other files are another cell."""
    files = nb.list_files(path, suffixes, "**/*")
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}


def listing(names: Iterable[str], most: int = 8) -> str:
    """Some names, quoted, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(map(repr, known[:most])) + more
