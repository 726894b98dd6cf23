from __future__ import annotations

from pathlib import Path

import noisebench as nb


@nb.dataset("stack", licence="the user's own", own_files=True)
class Stack:
    """The pages of stacks: TIFF of several pages, DICOM frames, NIfTI slices along the last axis; one is an item.

    path: a stack, or a folder of stacks, whose pages then count as one group each. noisy: noisy stacks of the same
    names and sizes, for `real`. low, high: the values that 0 and 1 stand for; without them 8 and 16 bits are taken as
    they are, CT has -1024 and 3072 HU, and floats are on [0, 1].
    """

    def __init__(
        self, *, path: str, noisy: str | None = None, low: float | None = None, high: float | None = None
    ) -> None:
        if (low is None) != (high is None) or (low is not None and high is not None and low >= high):
            raise nb.UsageError(f"stack: low={low}, high={high}: give both, low below high, or neither")
        self.span = None if low is None or high is None else (low, high)
        files = paired(path, noisy)
        several = Path(path).expanduser().is_dir()
        self.pages = [
            (name if several else "", file, partner, page)
            for name, file, partner in files
            for page in range(pages_of(file, partner))
        ]
        self.ids = [f"{group}/{page:04d}" if group else f"{page:04d}" for group, _, _, page in self.pages]

    def load(self, index: int) -> nb.Sample:
        """Page `index`. Raises `UsageError` naming what cannot be read or does not fit its partner."""
        group, file, partner, page = self.pages[index]
        clean = nb.read_page(file, page, self.span)
        noisy = None if partner is None else nb.read_page(partner, page, self.span)
        if noisy is not None and noisy.shape != clean.shape:
            raise nb.UsageError(f"{nb.one_line(partner)}, page {page}: {noisy.shape}, but {clean.shape} is clean")
        return nb.Sample(self.ids[index], clean, noisy, group=group)


def paired(path: str, noisy: str | None) -> list[tuple[str, Path, Path | None]]:
    """(name, stack, noisy stack) of each. Raises `UsageError`."""
    place, other = Path(path).expanduser(), None if noisy is None else Path(noisy).expanduser()
    if not place.is_dir():
        return [("", place, other)]
    if other is not None:
        return [*nb.pair_folders(place, other, nb.STACK_SUFFIXES)]
    return [(name, file, None) for name, file in nb.list_files(place, nb.STACK_SUFFIXES).items()]


def pages_of(file: Path, partner: Path | None) -> int:
    """How many pages a stack has. Raises `UsageError` where its partner has another number."""
    count = nb.open_stack(file).pages
    if partner is not None and nb.open_stack(partner).pages != count:
        raise nb.UsageError(f"{nb.one_line(file)} has {count} pages, {nb.one_line(partner)} another number: give pairs")
    return count
