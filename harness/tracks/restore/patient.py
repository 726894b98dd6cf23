"""A method on trial: the regime, the sizes and the kinds of picture that it can be tried on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import product

import numpy as np

from ...components.registry import Bound, bind
from ...imaging.pixels import Array, as_hwc, to_unit
from ...imaging.sample import Sample
from ...text.errors import Invalid, Skip
from ...track.info import Info
from .degrade import degrade_sample
from .restorer import Restorer
from .training_mode import Caught

# A regime that discloses each name, operators first: in this order they are added up.
DISCLOSING = {
    "kernel": "blur(sigma=1.0)",
    "boundary": "blur(sigma=1.0)",
    "scale": "downsample(scale=2, bits=8)",
    "sampled": "kspace(accel=2)",
    "looks": "gamma(looks=8)",
    "speckle": "gamma(looks=8)",
    "peak": "poisson(peak=60)",
    "sigma": "gaussian(sigma=25)",
    "p": "salt_pepper(p=0.1)",
    "mask": "mask(keep=0.5)",
    "quality": "jpeg(quality=30)",
}
SCALES = (2, 3, 4)
"""Of super-resolution: a network enlarges by one of them."""
ALWAYS = ("shape", "bit_depth", "rng", "generator")
TYPICAL, SQUARE = (40, 52), (64, 64)
MULTIPLES = (2, 4, 8, 16, 32, 64)
"""What networks ask sides to be multiples of."""
RESTORED, RETURNED, RAISED, SKIPPED = range(4)
"""How far a trial falls short: a picture, something that is none, an error, a skip."""


def picture(height: int, width: int, channels: int) -> Array:
    """A smooth ramp with a bright square, uint8 (H, W) or (H, W, 3)."""
    y, x = np.mgrid[:height, :width]
    ramp = 60 + 100 * (y / height + x / width) / 2
    ramp[height // 4 : height // 2, width // 4 : width // 2] = 220
    planes = [ramp, 255 - ramp, ramp / 2 + 40][:channels]
    stacked = np.stack(planes, axis=-1).round().astype(np.uint8)
    return stacked[:, :, 0] if channels == 1 else stacked


def scaled(spec: str) -> list[str]:
    """A regime, and where it makes pictures smaller the same at each of `SCALES`."""
    return list(dict.fromkeys([spec, *(at_scale(spec, scale) for scale in SCALES)]))


def at_scale(spec: str, scale: int) -> str:
    return re.sub(r"\bscale=\d+", f"scale={scale}", spec)


class Patient:
    """A method with the regime, the size and the numbers of channels, of 1 and 3, that it is tried on."""

    def __init__(self, restorer: Restorer, caught: Caught, regime: str = "") -> None:
        self.restorer = restorer
        self.caught = caught
        """Layers of a network that run in training mode."""
        self.oracle = bool(restorer.meta["oracle"])
        self.enhances = bool(restorer.meta.get("enhances"))
        self.size = TYPICAL
        self.regime = self._suitable(scaled(regime) if regime else _candidates(restorer.meta["needs"]))
        short = self._short()
        if min(short.values()) > RESTORED:
            # A network may ask for sides that are multiples of something.
            self.size = SQUARE
            larger = self._short()
            if min(larger.values()) < min(short.values()):
                short = larger
            else:
                self.size = TYPICAL
        least = min(short.values())
        self.takes = tuple(channels for channels in short if short[channels] == least)
        """What it comes furthest with, so that the checks say how it fails; what it restores, where it `works`."""
        self.fewest, self.most = self.takes[0], self.takes[-1]
        self.works = least == RESTORED
        self.only = len(self.takes) == 1 and least <= RETURNED
        """Whether it is for grey pictures alone, or for colour ones, be what it returns right or wrong."""

    def _suitable(self, candidates: Sequence[str]) -> Bound:
        """The first regime under which the method does not skip. Raises `Skip`."""
        reason = ""
        for channels, spec in product((1, 3), candidates):
            self.regime = bind(spec, "regime")
            end = self._end(channels)
            if not isinstance(end, Skip):
                # What is wrong, if anything, is for the checks to find.
                return self.regime
            reason = reason or str(end)
        raise Skip(reason)

    def _short(self) -> dict[int, int]:
        """How far it falls short of restoring pictures of 1 and of 3 channels."""
        return {channels: _shortfall(self._end(channels)) for channels in (1, 3)}

    def _end(self, channels: int) -> BaseException | None:
        try:
            self.try_on(*self.size, channels)
        except (Exception, SystemExit) as error:
            return error
        return None

    def fits(self, height: int, width: int, channels: int) -> bool:
        """Whether it restores a picture of this size."""
        try:
            self.try_on(height, width, channels)
        except (Exception, SystemExit):
            return False
        return True

    def degraded(self, height: int, width: int, channels: int, draw: int = 0) -> tuple[Array, Info, Array]:
        """Noisy float32 (H', W', C), a fresh `Info`, and clean float64 (H, W, C)."""
        sample = Sample("doctor", picture(height, width, channels))
        noisy, info = degrade_sample(self.regime, sample, draw=draw)
        if self.oracle:
            info = info.replace(sample=sample)
        return noisy, info, as_hwc(to_unit(sample.clean))

    def try_on(self, height: int, width: int, channels: int, draw: int = 0) -> Array:
        """The restored picture. Raises what the method raises, and `Invalid`."""
        noisy, info, clean = self.degraded(height, width, channels, draw)
        return self.restorer.restore(noisy, info, clean.shape)

    def answer(self, noisy: Array, info: Info) -> Array | None:
        """What the method gives, (H, W, C), on whatever scale; None where that is no finite picture."""
        try:
            given = self.restorer.call(self.restorer.prepare(noisy), info)
            array = np.asarray(given.detach().cpu().float()[0].permute(1, 2, 0) if hasattr(given, "detach") else given)
        except (Exception, SystemExit):
            return None
        array = array[:, :, None] if array.ndim == 2 else array
        return array if array.ndim == 3 and array.dtype.kind in "fui" and np.isfinite(array).all() else None

    @cached_property
    def multiple(self) -> int:
        """What the sides of its input must be multiples of; 1 where odd ones are as good, 0 where none is known."""
        scale, channels = self.scale, self.fewest
        for multiple in (1, *MULTIPLES):
            sides = [scale * multiple * (side // multiple // 2 * 2 + 1) for side in (37, 53)]
            if self.fits(sides[0], sides[1], channels):
                return multiple
        return 0

    @property
    def scale(self) -> int:
        """How many times as large the result is as the input, under the regime of the trial."""
        noisy, info, _ = self.degraded(*TYPICAL, 1)
        return int(info.scale) if info.scale and noisy.shape[:2] != TYPICAL else 1


def _shortfall(end: BaseException | None) -> int:
    """How far a trial that ended so falls short; what is `Invalid` was returned, so the picture itself was taken."""
    if end is None:
        return RESTORED
    return RETURNED if isinstance(end, Invalid) else SKIPPED if isinstance(end, Skip) else RAISED


def _candidates(needs: Sequence[str]) -> list[str]:
    """Regimes that disclose `needs`. Raises `Skip`."""
    choices = [[a for a in n.split("|") if a in DISCLOSING or a in ALWAYS] for n in needs]
    unknown = [n for n, known in zip(needs, choices, strict=True) if not known]
    if unknown:
        raise Skip(f"needs {', '.join(unknown)}, which the doctor cannot supply")
    wanted = [[spec for name, spec in DISCLOSING.items() if name in chosen] for chosen in product(*choices)]
    if any(wanted):
        candidates = [" + ".join(dict.fromkeys(specs)) for specs in wanted]
    else:
        candidates = [DISCLOSING["sigma"], *DISCLOSING.values()]
    return list(dict.fromkeys(spec for one in candidates for spec in scaled(one)))
