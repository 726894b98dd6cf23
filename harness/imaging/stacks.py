"""Files of many pictures, read a page at a time: TIFF of several pages, DICOM and NIfTI, with the levels of 0 and 1."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.folders import path_of
from ..text.errors import UsageError, one_line
from ..text.extras import is_installed, needs_packages
from .containers import Unreadable
from .pixels import DEPTH_OF_TYPE
from .validation import WIDEST

Array = npt.NDArray[Any]
Span = tuple[float, float]
STACK_SUFFIXES = (".tif", ".tiff", ".dcm", ".nii", ".gz")
"""File name endings that are taken for stacks, in lower case; `.gz` is that of `.nii.gz`.

For example:

    >>> [name for name in ("brain.nii.gz", "cells.TIF", "a.png") if Path(name).suffix.lower() in nb.STACK_SUFFIXES]
    ['brain.nii.gz', 'cells.TIF']
"""
HOUNSFIELD = (-1024.0, 3072.0)
"""The levels of CT at 0 and 1, as the protocol `window` has them."""
_MOST_PIXELS = 2**30
_MOST_PAGES = 100_000


@dataclass(frozen=True)
class StackFile:
    """The pages of a file: how many, how one is read, and the levels that are 0 and 1, None where no file says so."""

    pages: int
    levels: Callable[[int], Array]
    span: Span | None = None

    def page(self, index: int, span: Span | None = None) -> Array:
        """Page `index` as uint8 or uint16 as it is stored, or as float32 where `span`, of caller or file, is 0 and 1.

        Raises `Unreadable`.
        """
        levels, known = np.asarray(self.levels(index)), span or self.span
        if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (1, 3)):
            raise Unreadable(f"has pages of shape {levels.shape}: a picture is (H, W), or (H, W, 3) in colour")
        levels = levels.astype(levels.dtype.newbyteorder("="), copy=False)
        if known is None and levels.dtype.name in DEPTH_OF_TYPE:
            return np.ascontiguousarray(levels)
        if levels.dtype.kind not in "iuf":
            raise Unreadable(f"has values of type {levels.dtype}: a picture has real numbers")
        if not np.isfinite(levels).all():
            raise Unreadable("has NaN or infinite values: a picture is finite")
        low, high = known or (0.0, 1.0)
        picture = ((levels.astype(np.float64) - low) / (high - low)).astype(np.float32)
        if picture.min() < WIDEST[0] or picture.max() > WIDEST[1]:
            spread = f"{levels.min():g} … {levels.max():g}"
            raise Unreadable(f"has values {spread}: give low= and high=, the values that 0 and 1 are to stand for")
        return np.ascontiguousarray(picture)


def open_stack(path: str | os.PathLike[str]) -> StackFile:
    """The pages of a TIFF, DICOM or NIfTI file, `.npy` excepted. Raises `UsageError` naming the file and the remedy.

    For example:

        >>> import tifffile
        >>> tifffile.imwrite("cells.tif", np.zeros((3, 8, 8), np.uint16), photometric="minisblack")
        >>> stack = nb.open_stack("cells.tif")
        >>> stack.pages, stack.page(2).dtype
        (3, dtype('uint16'))
    """
    file = path_of(path, "a stack")
    if file.suffix.lower() not in _OPEN:
        raise UsageError(f"stack {_name(file)} must end in .tif, .tiff, .dcm, .nii or .nii.gz")
    try:
        stack = _OPEN[file.suffix.lower()](file, file.stat().st_size)
    except Exception as error:  # a damaged header raises whatever its parser raises
        raise _refusal(file, error) from None

    def levels(index: int) -> Array:
        try:
            return stack.levels(index)
        except Exception as error:
            raise _refusal(file, error) from None

    return StackFile(stack.pages, levels, stack.span)


def read_page(path: str | os.PathLike[str], index: int, span: Span | None = None) -> Array:
    """One page of a stack: see `StackFile.page`. Raises `UsageError` naming file and page.

    For example:

        >>> import tifffile
        >>> tifffile.imwrite("levels.tif", np.full((2, 8, 8), 300, np.uint16), photometric="minisblack")
        >>> int(nb.read_page("levels.tif", 1).max())
        300
        >>> float(nb.read_page("levels.tif", 1, span=(0, 600)).max())
        0.5
    """
    try:
        return open_stack(path).page(index, span)
    except Unreadable as why_not:
        raise UsageError(f"stack {_name(path)}, page {index}: {one_line(why_not)}") from None


def decode_dicom(data: bytes) -> Array:
    """The picture of a DICOM file of one frame. Raises `Unreadable`."""
    try:
        stack = _dicom(io.BytesIO(data), len(data))
        if stack.pages > 1:
            raise Unreadable(f"is a DICOM of {stack.pages} frames: read it as stack(path=…)")
        return stack.page(0)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"is a damaged or unusual DICOM ({one_line(error, 80)})") from None


def _refusal(file: Path, error: Exception) -> UsageError:
    if isinstance(error, UsageError):
        return error
    if isinstance(error, FileNotFoundError):
        return UsageError(f"stack {_name(file)} does not exist: check the path")
    why = str(error) if isinstance(error, Unreadable) else f"is damaged or unusual ({one_line(error, 80)})"
    return UsageError(f"stack {_name(file)} {one_line(why)}")


def _name(path: object) -> str:
    return repr(one_line(os.fspath(path) if isinstance(path, os.PathLike) else path, 300))


def _need(package: str) -> None:
    if not is_installed(package):
        raise Unreadable(needs_packages([package]))


def _limit(pages: int, *shape: int) -> None:
    """Refuse what a header claims before anything of that size is made."""
    if pages < 1 or min(shape, default=0) < 1:
        raise Unreadable("has no pages")
    pixels = 1
    for side in shape:
        pixels *= int(side)
    if pixels > _MOST_PIXELS or pages > _MOST_PAGES:
        raise Unreadable(f"claims {pages} pages of {'×'.join(map(str, shape))}: more than 2³⁰ values, or 100,000 pages")


@contextmanager
def _logged_errors_refused() -> Iterator[None]:
    """Refuse what tifffile reads on after an error that it only logs, such as a chain of pages that is cut short."""
    errors: list[str] = []

    def hear(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            errors.append(record.getMessage())
        return False

    logger = logging.getLogger("tifffile")
    logger.addFilter(hear)
    try:
        yield
    finally:
        logger.removeFilter(hear)
    if errors:
        raise Unreadable(f"is truncated or damaged ({one_line(errors[0], 80)}): copy it again")


def _tiff(file: Path, size: int) -> StackFile:
    import tifffile

    def checked(page: Any) -> Any:
        _limit(1, *page.shape)
        ends = (begin + length for begin, length in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > size:
            raise Unreadable("is truncated: copy it again")
        if page.photometric == 0 and page.dtype != np.dtype("u1"):
            raise Unreadable("has white at 0: save it with black at 0")
        return page

    with _logged_errors_refused(), tifffile.TiffFile(file) as tiff:
        pages = len(tiff.pages)
        _limit(pages, *checked(tiff.pages[0]).shape)

    def levels(index: int) -> Array:
        with _logged_errors_refused(), tifffile.TiffFile(file) as tiff:
            page = checked(tiff.pages[index])
            values: Array = page.asarray()
            return 255 - values if page.photometric == 0 else values

    return StackFile(pages, levels)


def _nifti(file: Path, size: int) -> StackFile:
    _need("nibabel")
    import nibabel

    volume: Any = nibabel.load(file)
    shape = tuple(volume.shape)
    if len(shape) not in (2, 3):
        raise Unreadable(f"has {len(shape)} axes: a stack of slices has 3, so take one volume of it")
    _limit(shape[2] if len(shape) == 3 else 1, *shape[:2])
    stored = int(np.prod(shape, dtype=np.int64)) * volume.get_data_dtype().itemsize
    if file.suffix.lower() == ".nii" and stored > size:
        raise Unreadable("is truncated: copy it again")
    return StackFile(shape[2] if len(shape) == 3 else 1, lambda index: np.asarray(volume.dataobj[..., index])
                 if len(shape) == 3 else np.asarray(volume.dataobj))  # fmt: skip


def _dicom(file: Any, size: int) -> StackFile:
    _need("pydicom")
    import pydicom
    from pydicom.pixels import pixel_array

    record = pydicom.dcmread(file)
    frames = int(record.get("NumberOfFrames", 1) or 1)
    _limit(frames, int(record.Rows), int(record.Columns))
    if record.PhotometricInterpretation not in ("MONOCHROME2", "RGB"):
        raise Unreadable(f"is DICOM of {record.PhotometricInterpretation}: save it as MONOCHROME2 or RGB")
    hounsfield = record.get("Modality") == "CT"
    slope, intercept = (float(record.get(name, usual) or usual) if hounsfield else usual
                        for name, usual in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0)))  # fmt: skip

    def levels(index: int) -> Array:
        values: Array = pixel_array(record, index=index if frames > 1 else None)
        return values * slope + intercept if hounsfield else values

    bits = int(record.BitsStored)
    return StackFile(frames, levels, HOUNSFIELD if hounsfield else None if bits in (8, 16) else (0.0, 2.0**bits - 1))


_OPEN: dict[str, Callable[[Path, int], StackFile]] = {
    ".tif": _tiff, ".tiff": _tiff, ".nii": _nifti, ".gz": _nifti, ".dcm": _dicom,
}  # fmt: skip
