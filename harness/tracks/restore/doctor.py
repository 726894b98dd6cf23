"""Try a restoration method on tiny pictures: what an adapter gets wrong, found in seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations, product

import numpy as np

from ...errors import Skip, one_line
from ...imaging.pixels import Array, as_hwc, to_unit
from ...imaging.resample import enlarge
from ...imaging.sample import Sample
from ...info import Info
from ...registry import Bound, bind
from ...track import Finding
from .degrade import degrade_sample
from .probe import test_picture
from .restorer import Restorer

# A regime that discloses each name, operators first: in this order they are added up.
DISCLOSING = {
    "kernel": "blur(sigma=1.0)",
    "boundary": "blur(sigma=1.0)",
    "scale": "downsample(scale=2, bits=8)",
    "looks": "gamma(looks=8)",
    "speckle": "gamma(looks=8)",
    "peak": "poisson(peak=60)",
    "sigma": "gaussian(sigma=15)",
    "p": "salt_pepper(p=0.1)",
    "mask": "mask(keep=0.5)",
    "quality": "jpeg(quality=30)",
}
SCALES = (2, 3, 4)
"""Of super-resolution: a network enlarges by one of them."""
ALWAYS = ("shape", "bit_depth", "rng", "generator")
TYPICAL = (40, 52)


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
    return list(dict.fromkeys([spec, *(_at_scale(spec, scale) for scale in SCALES)]))


def _at_scale(spec: str, scale: int) -> str:
    return re.sub(r"\bscale=\d+", f"scale={scale}", spec)


class Patient:
    """A method with the regime that it is tried under, and the fewest and most channels of 1 and 3 that it takes."""

    def __init__(self, bound: Bound, regime: str = "") -> None:
        self.oracle = bool(bound.entry.meta["oracle"])
        self.enhances = bool(bound.entry.meta.get("enhances"))
        self.restorer = Restorer(bound)
        self.restorer.setup("cpu")
        self.fewest = self.most = 1
        self.regime = self._suitable(scaled(regime) if regime else _candidates(bound.entry.meta["needs"]))
        try:
            self.try_on(*TYPICAL, 3)
            self.most = 3
        except Skip:
            pass
        except (Exception, SystemExit):
            self.most = 3  # as below

    def _suitable(self, candidates: Sequence[str]) -> Bound:
        """The first regime under which the method does not skip. Raises `Skip`."""
        reason = ""
        for self.fewest, spec in product((1, 3), candidates):
            self.regime = bind(spec, "regime")
            try:
                self.try_on(*TYPICAL, self.fewest)
            except Skip as skip:
                reason = reason or str(skip)
            except (Exception, SystemExit):
                # What is wrong is for the checks to find.
                return self.regime
            else:
                return self.regime
        raise Skip(reason)

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


def _candidates(needs: Sequence[str]) -> list[str]:
    """Regimes that disclose `needs`. Raises `Skip`."""
    choices = [[a for a in n.split("|") if a in DISCLOSING or a in ALWAYS] for n in needs]
    unknown = [n for n, known in zip(needs, choices, strict=True) if not known]
    if unknown:
        raise Skip(f"needs {', '.join(unknown)}, which the doctor cannot supply")
    wanted = [[spec for name, spec in DISCLOSING.items() if name in chosen] for chosen in product(*choices)]
    if any(wanted):
        found = [" + ".join(dict.fromkeys(specs)) for specs in wanted]
    else:
        found = [DISCLOSING["sigma"], *DISCLOSING.values()]
    return list(dict.fromkeys(spec for one in found for spec in scaled(one)))


def _sizes(patient: Patient, sizes: Sequence[tuple[int, int, int]]) -> tuple[bool | None, str]:
    skipped = []
    for height, width, channels in sizes:
        size = f"{height}×{width} {'grey' if channels == 1 else 'colour'}"
        try:
            patient.try_on(height, width, channels)
        except Skip as skip:
            skipped.append(f"skips {size}: {one_line(skip)}")
        except (Exception, SystemExit) as error:
            return False, f"{size}: {_describe(error)}"
    if len(skipped) == len(sizes):
        return None, skipped[0]
    return True, "; ".join(skipped)


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(error, 200)}" if str(error) else type(error).__name__


def _untouched(patient: Patient) -> tuple[bool, str]:
    noisy, info, _ = patient.degraded(*TYPICAL, patient.most)
    prepared = patient.restorer.prepare(noisy)
    before = prepared.copy() if isinstance(prepared, np.ndarray) else prepared.clone()
    patient.restorer.call(prepared, info)
    same = bool((before == prepared).all())
    return same, "" if same else "the method writes into its input: work on a copy"


def _repeats(patient: Patient) -> tuple[bool, str]:
    first, second = (patient.try_on(*TYPICAL, patient.fewest) for _ in range(2))
    if np.array_equal(first, second):
        return True, ""
    off = float(np.abs(first - second).max())
    return (
        False,
        f"two calls differ by up to {off:.3g}: draw from info.rng or info.generator only",
    )


def _forgets(patient: Patient) -> tuple[bool, str]:
    fresh = patient.try_on(*TYPICAL, patient.fewest, draw=1)
    patient.try_on(*TYPICAL[::-1], patient.fewest, draw=2)
    again = patient.try_on(*TYPICAL, patient.fewest, draw=1)
    same = np.array_equal(fresh, again)
    return same, "" if same else "the result depends on the picture before it: keep no state between calls"


def _range(patient: Patient) -> tuple[bool, str]:
    _, _, clean = patient.degraded(*TYPICAL, patient.most)
    restored = patient.try_on(*TYPICAL, patient.most)
    low, high, shift = float(restored.min()), float(restored.max()), float(restored.mean() - clean.mean())
    told = f"{low:.3g} to {high:.3g}, mean {shift:+.3g} off the clean one"
    if low < -3 or high > 4:
        return False, f"{told}: return the [0, 1] scale that the input is on"
    # Half-missing pictures that come back as they are (identity) have half the mean.
    if abs(shift) > 0.3 and not patient.enhances:
        return (
            False,
            f"{told}: brightness is not kept (a wrong scale or mean? if meant, say enhances=True)",
        )
    return True, told


def _channel_order(patient: Patient) -> tuple[bool | None, str]:
    if patient.most == 1:
        return None, "grey only"
    _, _, clean = patient.degraded(*TYPICAL, 3)
    restored = patient.try_on(*TYPICAL, 3)
    errors = {order: float(np.mean(np.square(restored[:, :, order] - clean))) for order in permutations(range(3))}
    best = min(errors, key=lambda order: errors[order])
    # The channels of the picture differ by far: in the wrong order the error is a hundred times what noise leaves.
    if errors[best] < errors[0, 1, 2] / 2:
        came = "".join("RGB"[place] for place in np.argsort(best))
        return False, f"the channels come back as {came}: a picture is RGB, on the way in and out"
    return True, ""


def _larger(patient: Patient) -> tuple[bool, str]:
    noisy, info, clean = patient.degraded(256, 256, patient.most)
    start = time.perf_counter()
    restored = patient.restorer.restore(noisy, info, clean.shape)
    seconds = time.perf_counter() - start
    told = f"{seconds:.2f} s"
    if noisy.shape == clean.shape:
        before, after = (float(np.mean(np.square(x - clean))) for x in (noisy, restored))
        if before > 0 and after > 0:
            told += f", {10 * np.log10(before / after):+.1f} dB against the input"
    return True, told


def _gain(patient: Patient, scale: int) -> tuple[bool, str]:
    plane = test_picture(103, 103)[7:, 7:]  # so that its edges lie on no grid of small pixels
    sample = Sample("doctor", np.stack([plane, 255 - plane, plane], axis=-1)[:, :, : patient.most])
    clean = to_unit(sample.clean)
    noisy, info = degrade_sample(bind(_at_scale(patient.regime.display, scale), "regime"), sample)
    restored = patient.restorer.restore(noisy, info.replace(sample=sample) if patient.oracle else info, clean.shape)
    bicubic = enlarge(noisy.astype(np.float64), scale, (96, 96))
    theirs, own = (float(np.mean(np.square(x - clean))) for x in (bicubic, restored))
    return True, f"{round(10 * np.log10(theirs / own), 1) + 0.0:+.1f} dB over bicubic" if own > 0 else "no error"


def checks(patient: Patient) -> dict[str, Callable[[], tuple[bool | None, str]]]:
    """The checks by name, in the order in which they are done."""
    told = {name for part in patient.regime.parts for name in part.entry.meta["discloses"]}
    scales = SCALES if "scale" in told and _at_scale(patient.regime.display, 0) != patient.regime.display else ()
    return {
        "grey": partial(_sizes, patient, [(*TYPICAL, 1)]),
        "colour": partial(_sizes, patient, [(*TYPICAL, 3)]),
        "odd sizes": partial(_sizes, patient, [(37, 53, 1), (53, 37, 3), (31, 64, 1)]),
        "tiny": partial(_sizes, patient, [(3, 3, 1), (3, 3, 3), (2, 5, 1), (1, 9, 3), (9, 1, 1)]),
        "1×1": partial(_sizes, patient, [(1, 1, 1), (1, 1, 3)]),
        "input left unmodified": partial(_untouched, patient),
        "deterministic": partial(_repeats, patient),
        "no memory of the last picture": partial(_forgets, patient),
        "range": partial(_range, patient),
        "channel order": partial(_channel_order, patient),
        "larger": partial(_larger, patient),
        **{f"×{scale}": partial(_gain, patient, scale) for scale in scales},
    }


def examine(bound: Bound, before: Callable[[str], None] = lambda name: None, regime: str = "") -> Iterator[Finding]:
    """Try `bound`, a method of track restore, and yield what each check finds; `before` hears what comes.

    Under `regime`, or one that discloses what the method needs; those that make pictures smaller ×2, ×3 and ×4.
    """
    before("loads")
    try:
        patient = Patient(bound, regime)
    except Skip as skip:
        yield Finding("loads", None, one_line(skip))
        return
    except (Exception, SystemExit) as error:
        yield Finding("loads", False, _describe(error))
        return
    yield Finding("loads", True, f"tried under {patient.regime.display}")
    for name, check in checks(patient).items():
        before(name)
        try:
            ok, detail = check()
        except Skip as skip:
            ok, detail = None, one_line(skip)
        except (Exception, SystemExit) as error:
            ok, detail = False, _describe(error)
        yield Finding(name, ok, detail)
