"""Whether pictures are nearly the same: saved anew, moved by a pixel, cut by a row, or with a few pixels changed.

Large pictures are compared by their corners, see `alike.py`. Small ones, which have hardly a corner, are compared
pixel by pixel with the few that have nearly the same spectrum, which does not change where a picture is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...imaging.pixels import Array, to_unit
from . import alike

_SMALL = 64
"""The longer side of a small picture, at most."""
_DETAIL, _BRIGHTNESS = 0.06, 0.005
"""Two small pictures are nearly the same where their details differ by less of their energy, or, if they have many
details, their values. Of 1,000 test pictures each, such a training picture have 7 of MNIST, 2 of Fashion-MNIST and none
of CIFAR-10's subset."""
_MANY = 60
"""So many details of equal size stand for many: most digits have fewer, and two ones differ in little else."""
_CHANGED = 0.04
"""Share of the pixels that may be any others."""
_FAINT = 2.0
"""Details of a picture, in steps of 8 bits: one that has less on average has nothing to compare."""
_WAVES = 5
_NEAREST = 2
_CHUNK = 100

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PictureSketch:
    """A small picture in grey, uint8 (H, W), and the corners of one that is large enough for them."""

    grey: npt.NDArray[np.uint8] | None
    corners: alike.Sketch | None


def picture_sketch(picture: Array) -> PictureSketch:
    """What is compared of a picture, (H, W) or (H, W, C)."""
    grey = None
    if max(picture.shape[:2]) <= _SMALL:
        unit = to_unit(picture)
        grey = np.rint(255 * (unit if unit.ndim == 2 else unit.mean(axis=2))).astype(np.uint8)
    return PictureSketch(grey, alike.sketch(picture) if min(picture.shape[:2]) >= alike.LEAST else None)


def shown(trained: Sequence[PictureSketch], tested: Sequence[PictureSketch]) -> dict[int, int]:
    """Places of tested pictures that are nearly one that is trained on, or show part of it, with the place of that."""
    before, after = ([(place, one.corners) for place, one in enumerate(of) if one.corners] for of in (trained, tested))
    by_corners = alike.shown([corners for _, corners in before], [corners for _, corners in after])
    places = {after[place][0]: before[source][0] for place, source in by_corners.items()}
    trained_sizes, tested_sizes = _by_size(trained), _by_size(tested)
    for size, pictures in tested_sizes.items():
        close = [one for one in trained_sizes if max(abs(one[0] - size[0]), abs(one[1] - size[1])) <= 2]
        if close:
            same = _nearest_same(size, [trained_sizes[one] for one in close], pictures)
            # A picture that is nearly another one of the test is none that was copied: so much is alike in such a set.
            rows = np.isin(pictures.places, list(same))
            repeated = _nearest_same(
                size, [pictures], _Pictures(pictures.grey[rows], pictures.places[rows]), of_one_set=True
            )
            places |= {place: source for place, source in same.items() if place not in repeated}
    return places


@dataclass(frozen=True)
class _Pictures:
    """Small pictures of one size (N, H, W), and the place of each among all."""

    grey: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int64]


def _by_size(sketches: Sequence[PictureSketch]) -> dict[tuple[int, ...], _Pictures]:
    of_size: dict[tuple[int, ...], list[tuple[int, npt.NDArray[np.uint8]]]] = {}
    for place, one in enumerate(sketches):
        if one.grey is not None:
            of_size.setdefault(one.grey.shape, []).append((place, one.grey))
    return {
        size: _Pictures(np.stack([grey for _, grey in placed]), np.array([place for place, _ in placed]))
        for size, placed in of_size.items()
    }


def _nearest_same(
    size: tuple[int, ...], trained: Sequence[_Pictures], tested: _Pictures, *, of_one_set: bool = False
) -> dict[int, int]:
    """Of tested pictures of one size, those that are nearly one of the trained ones with the nearest spectra.

    `of_one_set`: the others are pictures of the same set, and none is compared with itself.
    """
    spectra = np.concatenate([_spectra(one.grey, size) for one in trained])
    group = np.repeat(np.arange(len(trained)), [len(one.places) for one in trained])
    place = np.concatenate([np.arange(len(one.places)) for one in trained])
    nearest: dict[int, int] = {}
    for first in range(0, len(tested.places), _CHUNK):
        grey, places = tested.grey[first : first + _CHUNK], tested.places[first : first + _CHUNK]
        likeness = _spectra(grey, size) @ spectra.T
        if of_one_set:
            likeness[places[:, None] == trained[0].places] = -1
        for _ in range(min(_NEAREST, len(spectra))):
            best = likeness.argmax(axis=1)
            unseen = likeness[np.arange(len(best)), best] > -1
            for number, one in enumerate(trained):
                rows = np.flatnonzero(unseen & (group[best] == number))
                if len(rows):
                    same = rows[_same(one.grey[place[best[rows]]], grey[rows])]
                    nearest |= {int(places[row]): int(one.places[place[best[row]]]) for row in same}
            likeness[np.arange(len(best)), best] = -1
    return nearest


def _spectra(grey: npt.NDArray[np.uint8], size: tuple[int, ...]) -> Floats:
    """The magnitudes of the slowest waves of pictures on a field of `size`, (N, K) of length 1."""
    height, width = grey.shape[1:]
    down = np.exp(-2j * np.pi * np.outer(np.arange(1 - _WAVES, _WAVES), np.arange(height)) / size[0])
    across = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(_WAVES)) / size[1])
    parts = []
    for first in range(0, len(grey), 4096):
        values = grey[first : first + 4096].astype(np.float32)
        values -= values.mean(axis=(1, 2), keepdims=True)
        waves = np.abs(down.astype(np.complex64) @ (values @ across.astype(np.complex64))).reshape(len(values), -1)
        parts.append(waves / np.maximum(np.linalg.norm(waves, axis=1, keepdims=True), 1e-6))
    return np.concatenate(parts).astype(np.float32)


def _same(trained: npt.NDArray[np.uint8], tested: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Whether each of N pictures is nearly the one beside it, where it lies or a pixel away."""
    same = np.zeros(len(tested), bool)
    for down, across in np.ndindex(3, 3):
        one = trained[:, max(0, down - 1) :, max(0, across - 1) :].astype(np.float32)
        other = tested[:, max(0, 1 - down) :, max(0, 1 - across) :].astype(np.float32)
        height, width = min(one.shape[1], other.shape[1]), min(one.shape[2], other.shape[2])
        one, other = one[:, :height, :width], other[:, :height, :width]
        details = _details(other)
        energy, faint = (details**2).sum(axis=(1, 2)), _FAINT**2 * details[0].size
        values = ((other - other.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
        many = energy**2 > _MANY * (details**4).sum(axis=(1, 2))
        near = _unlike(_details(one), details) <= _DETAIL * energy
        same |= (energy > faint) & (near | many & (_unlike(one, other) <= _BRIGHTNESS * values))
    return same


def _details(pictures: Floats) -> Floats:
    across = pictures[:, :, 1:] - pictures[:, :, :-1]
    details: Floats = across[:, 1:] - across[:, :-1]
    return details


def _unlike(one: Floats, other: Floats) -> Floats:
    """The squared differences of each two pictures but for the largest of them, summed."""
    squares = ((one - other) ** 2).reshape(len(one), -1)
    kept = squares.shape[1] - int(np.ceil(_CHANGED * squares.shape[1]))
    unlike: Floats = np.partition(squares, kept - 1, axis=1)[:, :kept].sum(axis=1)
    return unlike
