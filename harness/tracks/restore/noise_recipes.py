"""Which generator, seed and order gave the noise of a picture: the draws of common scripts, held against it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...components.registry import bind
from ...imaging.pixels import Array, Float
from ...imaging.sample import Sample
from ...text.errors import Skip, UsageError
from ...text.extras import is_installed
from .degrade import degrade_sample
from .regimes.dncnn_matlab import matlab_randn_v4

_LEAST = 128
"""Values that are not at an end of the range, by which a seed is known; fewer could agree by chance."""
_MOST = 1 << 16
"""How far into a picture these are looked for."""
_ALIKE = 0.8
"""The least correlation of noise and draws of one seed: chance gives 0.5 once in 10⁸ seeds."""
_OWN_SEEDS = 10


@dataclass(frozen=True)
class Recipe:
    """How noise was drawn. `equal` is the share of values that it gives again to the last bit, after `digitised`."""

    generator: str
    seed: int
    order: str
    channels: str
    sigma: float
    digitised: str
    equal: float
    regime: str = ""

    @property
    def text(self) -> str:
        """In one line."""
        drawn = ", ".join(filter(None, (self.generator, f"seed {self.seed}", self.order, self.channels)))
        bits = "every value to the last bit" if self.equal == 1 else f"{self.equal:.2%} of the values to the last bit"
        regime = f"; that is {self.regime}" if self.regime else ""
        return f"{drawn}, σ = {self.sigma:g}{self.digitised and f', {self.digitised}'}: {bits}{regime}"


@dataclass(frozen=True)
class _Order:
    """An order in which values are drawn: from (H, W, C) to the line of draws, and back."""

    name: str
    channels: str
    line: Callable[[Float], Float]
    picture: Callable[[Float, tuple[int, ...]], Float]


def _rows(line: Float, shape: tuple[int, ...]) -> Float:
    return line.reshape(shape)


def _planes(line: Float, shape: tuple[int, ...]) -> Float:
    height, width, channels = shape
    return line.reshape(channels, height, width).transpose(1, 2, 0)


def _columns(line: Float, shape: tuple[int, ...]) -> Float:
    height, width, channels = shape
    return line.reshape(channels, width, height).transpose(2, 1, 0)


def _single(line: Float, shape: tuple[int, ...]) -> Float:
    return np.broadcast_to(line.reshape(*shape[:2], 1), shape)


_GREY = (_Order("(H, W)", "", lambda r: r.reshape(-1), _rows),)
_COLOUR = (
    _Order("(H, W, C)", "red green blue", lambda r: r.reshape(-1), _rows),
    _Order(
        "(H, W, C)", "blue green red", lambda r: r[:, :, ::-1].reshape(-1), lambda z, shape: _rows(z, shape)[:, :, ::-1]
    ),
    _Order("(C, H, W)", "red green blue", lambda r: r.transpose(2, 0, 1).reshape(-1), _planes),
    _Order(
        "(C, H, W)",
        "blue green red",
        lambda r: r[:, :, ::-1].transpose(2, 0, 1).reshape(-1),
        lambda z, shape: _planes(z, shape)[:, :, ::-1],
    ),
    _Order("(H, W)", "one draw for all channels", lambda r: r.mean(axis=2).reshape(-1), _single),
)
_MATLAB = _Order("down the columns, channel by channel", "", lambda r: r.transpose(2, 1, 0).reshape(-1), _columns)


def _torch(seed: int, n: int) -> Float:
    import torch

    drawn: Float = torch.randn(n, generator=torch.Generator().manual_seed(seed)).numpy().astype(np.float64)
    return drawn


_GENERATORS: dict[str, Callable[[int, int], Array]] = {
    "numpy RandomState": lambda seed, n: np.random.RandomState(seed).standard_normal(n),
    "numpy default_rng": lambda seed, n: np.random.default_rng(seed).standard_normal(n),
    "numpy default_rng float32": lambda seed, n: np.random.default_rng(seed).standard_normal(n, np.float32),
    **({"torch": _torch} if is_installed("torch") else {}),
}
GENERATORS = (*_GENERATORS, "MATLAB randn")
"""What is looked through."""
_PUBLISHED = {
    ("numpy RandomState", "(H, W, C)", "blue green red"): ("swinir",),
    ("numpy RandomState", "(H, W, C)", "red green blue"): ("kair", "restormer"),
    ("numpy RandomState", "(H, W)", ""): ("kair", "restormer"),
    (GENERATORS[-1], _MATLAB.name, ""): ("dncnn_matlab",),
}
"""The regimes of noisebench that draw so, with seed 0."""


def find_recipe(noisy: Array, clean: Float, noise: Float, seeds: int) -> Recipe | None:
    """The recipe of additive Gaussian noise, None where none of the seeds from 0 up to `seeds` gives it.

    `noisy` is (H, W, C) as it was read, `clean` the same on [0, 1], `noise` what was added to that.
    """
    values = _unit(noisy)
    inside = (values > 0) & (values < 1)
    orders = _GREY if clean.shape[2] == 1 else _COLOUR
    best: Recipe | None = None
    for generator, seed, order in _matches(noise, inside, orders, seeds):
        count = clean.size if order.picture is not _single else clean.shape[0] * clean.shape[1]
        line = matlab_randn_v4(count) if order is _MATLAB else _GENERATORS[generator](seed, count)
        draws = order.picture(np.asarray(line, np.float64), clean.shape)
        one = _fitted(noisy, clean, noise[inside], draws, draws[inside], generator, seed, order)
        best = one if best is None or one.equal > best.equal else best
    return best


def find_own(noisy: Array, clean: Float, specs: Sequence[str]) -> tuple[str, int] | None:
    """The regime of noisebench, and the seed, that gives just this noisy picture, of those that `specs` name."""
    wanted = _unit(noisy).astype(np.float32)
    for spec, seed in itertools.product(specs, range(_OWN_SEEDS)):
        try:
            drawn, _ = degrade_sample(bind(spec, "regime"), Sample("picture", clean.astype(np.float32)), seed)
        except (UsageError, Skip):
            continue
        if np.array_equal(drawn.reshape(wanted.shape), wanted):
            return spec, seed
    return None


def _unit(picture: Array) -> Float:
    top = float(np.iinfo(picture.dtype).max) if picture.dtype.kind == "u" else 1.0
    return picture.astype(np.float64) / top


def _matches(noise: Float, inside: Array, orders: tuple[_Order, ...], seeds: int) -> Iterator[tuple[str, int, _Order]]:
    """Generators, seeds and orders whose first draws go with the noise."""
    lines = [_start(order, noise, inside) for order in (*orders, _MATLAB)]
    lengths = [len(line) for line, _ in lines]
    if lengths[-1]:
        length = lengths[-1]
        if _correlation(lines[-1][0], matlab_randn_v4(length), lines[-1][1]) > _ALIKE:
            yield GENERATORS[-1], 0, _MATLAB
    longest = max(lengths[:-1])
    if not longest:
        return
    for generator, draw in _GENERATORS.items():
        for seed in range(seeds):
            drawn = np.asarray(draw(seed, longest), np.float64)
            for order, (line, weights) in zip(orders, lines[:-1], strict=True):
                if len(line) and _correlation(line, drawn[: len(line)], weights) > _ALIKE:
                    yield generator, seed, order


def _start(order: _Order, noise: Float, inside: Array) -> tuple[Float, Float]:
    """The beginning of the noise in an order, with enough values that are not at an end of the range, and 1 at each of
    these; empty where there are too few. It has a multiple of 16 values, by which torch draws."""
    line, free = order.line(noise)[:_MOST], order.line(inside.astype(np.float64))[:_MOST]
    free = np.where(free == 1, 1.0, 0.0)
    enough = int(np.searchsorted(np.cumsum(free), _LEAST)) + 1
    length = -(-enough // 16) * 16
    if length + 16 > len(line):
        return line[:0], free[:0]
    return line[:length] * free[:length], free[:length]


def _correlation(line: Float, drawn: Float, weights: Float) -> float:
    scale = np.sqrt((line @ line) * (weights @ (drawn * drawn)))
    return float(line @ drawn / scale) if scale else 0.0


def _fitted(
    noisy: Array, clean: Float, seen: Float, draws: Float, drawn: Float, generator: str, seed: int, order: _Order
) -> Recipe:
    """The level, sum and rounding that give most of the values to the last bit; `seen` is the noise of values that
    are not at an end of the range, `drawn` what was drawn for these."""
    level = float(seen @ drawn / (drawn @ drawn))
    best = ("", "", 0.0, level * 255)
    for sigma in _levels(level):
        for name, total in _sums(clean, draws, sigma / 255):
            for digitised, stored in _digitised(total, noisy):
                equal = float(np.mean(stored == noisy))
                if equal > best[2]:
                    best = (name, digitised, equal, sigma)
        if best[2] == 1:
            break
    total_of, digitised, equal, sigma = best
    regimes = _PUBLISHED.get((generator, order.name, order.channels), ()) if seed == 0 and equal == 1 else ()
    regime = next((one for one in regimes if len(regimes) == 1 or (one == "kair") == (total_of == "float64")), "")
    shown = f"{regime}(sigma={sigma:g})" if regime and not digitised else ""
    return Recipe(generator, seed, order.name, order.channels, sigma, digitised, equal, shown)


def _levels(level: float) -> list[float]:
    """What a level of [0, 1] may have been written as, on 0–255: few decimals of 255, or of 1."""
    near = [round(level * 255, places) for places in range(4)] + [255 * round(level, places) for places in range(1, 4)]
    return [one for one in dict.fromkeys(near) if one > 0 and abs(one / 255 - level) < 0.02 * level]


def _sums(clean: Float, draws: Float, sigma: float) -> Iterator[tuple[str, Array]]:
    """Picture and noise added as scripts do: in double precision, with the picture in single, all in single, and on
    0–255."""
    single, noise = clean.astype(np.float32), sigma * draws
    yield "float64", clean + noise
    yield "float32 picture", single + noise
    yield "float32", single + draws.astype(np.float32) * np.float32(sigma)
    yield "0–255", (np.rint(clean * 255) + 255 * sigma * draws) / 255


def _digitised(total: Array, noisy: Array) -> Iterator[tuple[str, Array]]:
    """The sum as it may have been stored: as it is, clipped, rounded, cut off, or wrapped around."""
    if noisy.dtype.kind == "f":
        yield "", total.astype(noisy.dtype)
        yield "clipped", np.clip(total, 0, 1).astype(noisy.dtype)
        byte = np.rint(np.clip(total, 0, 1) * 255)
        yield "clipped, rounded to 8 bits", (byte / 255).astype(noisy.dtype)
        return
    top = float(np.iinfo(noisy.dtype).max)
    scaled = np.clip(total, 0, 1) * total.dtype.type(top)
    yield "clipped, rounded", np.rint(scaled).astype(noisy.dtype)
    yield "clipped, cut off", scaled.astype(noisy.dtype)
    yield "rounded, wrapped around", np.rint(total * total.dtype.type(top)).astype(np.int64).astype(noisy.dtype)
    yield "cut off, wrapped around", (total * total.dtype.type(top)).astype(np.int64).astype(noisy.dtype)
