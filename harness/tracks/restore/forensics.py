"""What the noise of one picture is, by the picture and its clean one: level, law, rounding, correlation, recipe."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...data.disk import read_regular
from ...imaging.pictures import read_picture
from ...imaging.pixels import Array, Float, as_hwc, to_unit
from ...imaging.validation import as_picture, check_item
from ...text.errors import UsageError, one_line
from .noise_recipes import GENERATORS, find_own, find_recipe
from .pairs import shape_text

_FEWEST = 200
"""Values that any of this is worth saying of."""
_BINS = 32
_FITS = 4.0
"""The mean squared error of a fit, in squares of what chance gives, up to which it explains the variances."""
_GRID = 2e-4
"""How far a value may be from a whole number of 255 parts, as a share of one, to be on their grid."""


@dataclass(frozen=True)
class NoiseFinding:
    """One thing about the noise: its name, what it is in words, and the numbers behind that."""

    part: str
    text: str
    values: Mapping[str, float | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Law:
    """A law of noise, with the parameter by which noisebench would draw it."""

    name: str
    text: str
    specs: tuple[str, ...]
    values: Mapping[str, float | str | bool | None]


def explain_noise(noisy: str, clean: str, seeds: int) -> list[NoiseFinding]:
    """What the noise of a picture is, of its file and of that of the clean one; `seeds` of each generator are tried.

    Raises `UsageError` for what is no picture, and for pictures of two sizes.
    """
    x = as_picture(_read_noisy(Path(noisy)), "noisy")
    y = as_picture(read_picture(Path(clean)), "clean")
    check_item(y, f"{one_line(clean)}: clean")
    if x.shape != y.shape:
        raise UsageError(
            f"{one_line(noisy)} is {shape_text(x.shape)} and {one_line(clean)} is {shape_text(y.shape)}: they must be "
            "of one size and kind"
        )
    return noise_findings(as_hwc(x), to_unit(y), seeds)


def noise_findings(noisy: Array, clean: Float, seeds: int) -> list[NoiseFinding]:
    """The same of a noisy picture as it was read, (H, W, C), and a clean one on [0, 1]."""
    values = to_unit(noisy)
    noise = values - clean
    if not noise.any():
        return [NoiseFinding("level", "none: both pictures are the same", {"sigma": 0.0})]
    rounded, bounded = _is_rounded(noisy, values), bool(values.min() >= 0 and values.max() <= 1)
    law = _replaced(noise, values, rounded)
    noise, wrapped = _unwrapped(noise) if law is None and noisy.dtype == np.uint8 else (noise, False)
    cut = (
        law is None
        and bounded
        and not wrapped
        and bool(np.any((values == 0) & (clean > 0)) or np.any((values == 1) & (clean < 1)))
    )
    standard = _standardised(noise, clean)
    space = _in_space(standard) if law is None and min(noise.shape[:2]) >= 8 else None
    law = law or _law(noise, values, clean, cut, rounded, alike=1.0 if space is None else space[1])
    findings = [_level(noise, clean, cut), NoiseFinding("law", law.text, {"law": law.name, **law.values})]
    ends = "clipped to [0, 1]" if cut else "not clipped" if not bounded else "nothing lies outside of [0, 1]"
    ends = "wrapped around at the ends of [0, 1]" if wrapped else ends
    digits = "rounded to 8 bits" if rounded else "16 bits" if noisy.dtype == np.uint16 else "not rounded"
    findings.append(NoiseFinding("digits", f"{ends}, {digits}", {"clipped": cut, "rounded": rounded}))
    if space is not None:
        findings += [_channels(standard, space[1]), space[0]]
    cuts = (", clip=True" if cut else "") + (", bits=8" if rounded else "")
    findings.append(_recipe(noisy, clean, noise, law, cuts, seeds))
    return findings


def _read_noisy(file: Path) -> Array:
    """A noisy picture: as any other one, but a `.npy` may hold values far outside of [0, 1]."""
    if file.suffix.lower() != ".npy":
        return read_picture(file)
    try:
        array = np.load(io.BytesIO(read_regular(file)), allow_pickle=False)
    except OSError as error:
        raise UsageError(f"picture {one_line(file)} cannot be read ({error.strerror}): check the path") from None
    except Exception as error:  # a damaged header raises whatever the parser of its text raises
        raise UsageError(f"picture {one_line(file)} is no array of numbers ({one_line(error, 80)})") from None
    if array.dtype.kind not in "uf" or not np.isfinite(array).all():
        raise UsageError(
            f"picture {one_line(file)} has {array.dtype} values, or some that are not finite: save float32"
        )
    if array.dtype.kind == "f" and np.abs(array).max(initial=0) > 16:
        raise UsageError(f"picture {one_line(file)} is not on [0, 1]: divide by its peak")
    return np.asarray(array, array.dtype.newbyteorder("="))


# ---------------------------------------------------------------------------------------- level and digits


def _is_rounded(noisy: Array, values: Float) -> bool:
    """Whether all values are whole numbers of 255 parts."""
    if noisy.dtype.kind == "u":
        return noisy.dtype == np.uint8
    return bool(np.abs(values * 255 - np.rint(values * 255)).max() < 255 * _GRID)


def _unwrapped(noise: Float) -> tuple[Float, bool]:
    """The noise of 8 bits before it was wrapped around at the ends; whether it was.

    It was where what lies more than half of the range off is close to the picture when it is shifted by the range.
    """
    far = np.abs(noise) > 0.5
    straight = noise - np.rint(noise) * (256 / 255)
    near = float(noise[~far].std()) if not far.all() else 0.0
    shifted = far.any() and float(np.abs(straight[far]).max()) < 5 * near < float(np.abs(noise[far]).min())
    return (straight, True) if shifted or float(straight.std()) < 0.7 * float(noise.std()) else (noise, False)


def _one_sided(noise: Float, clean: Float) -> Array:
    """Where noise of a clipped picture goes towards the far end of the range, which clipping leaves as it was.

    Of the values without noise, which rounding makes, every other one counts.
    """
    even = np.indices(noise.shape).sum(axis=0) % 2 == 0
    free = (clean > 0) & (clean < 1)
    side: Array = free & np.where(noise == 0, even, (clean <= 0.5) == (noise > 0))
    return side


def _level(noise: Float, clean: Float, cut: bool) -> NoiseFinding:
    side = _one_sided(noise, clean) if cut else np.ones(noise.shape, bool)
    chosen = noise[side] if side.any() else noise.reshape(-1)
    level, mean = math.sqrt(float(np.mean(chosen**2))), 255 * float(noise.mean())
    each = [255 * float(noise[:, :, c].std()) for c in range(noise.shape[2])]
    more = "" if cut else f", mean {mean:+.2f}"
    uneven = len(each) > 1 and max(each) > 1.1 * min(each)
    shown = ", channels " + " ".join(f"{one:.2f}" for one in each) if uneven else ""
    text = f"σ = {255 * level:.2f} of 255 ({level:.4f} of [0, 1]){more}{shown}"
    return NoiseFinding("level", text, {"sigma": 255 * level, "mean": mean})


# ------------------------------------------------------------------------------------------------ law


def _law(noise: Float, values: Float, clean: Float, cut: bool, rounded: bool, *, alike: float) -> _Law:
    """The law of noise on every value; `alike` values go together and count as one."""
    if noise.size < _FEWEST * alike:
        return _Law("unknown", f"cannot be told of {noise.size} values", (), {})
    groups = _groups(clean.reshape(-1))
    if cut:
        ends = ((values == 0) | (values == 1)).reshape(-1)
        free = [group for group in groups if ends[group].mean() < 0.002]
        if len(free) >= 6 and np.ptp(clean.reshape(-1)[np.concatenate(free)]) > 0.1:
            groups, cut = free, False
        else:
            side = _one_sided(noise, clean)
            groups, noise = _groups(clean[side]), noise[side]
            clean = clean[side]
    if not groups:
        return _Law("unknown", "cannot be told: nearly all values are clipped", (), {})
    return _of_variances(noise.reshape(-1), clean.reshape(-1), values, groups, alike, cut=cut, rounded=rounded)


def _groups(clean: Float) -> list[Array]:
    """The places of values of about one brightness each."""
    place = np.argsort(clean, kind="stable")
    return [group for group in np.array_split(place, _BINS) if len(group) > 8]


def _replaced(noise: Float, values: Float, rounded: bool) -> _Law | None:
    """The law of noise that leaves a share of the values as they are, and replaces the others."""
    changed = np.abs(noise) > (0.6 / 255 if rounded else 1e-6)
    share = float(changed.mean())
    if share > 0.8 or not changed.any() or float(np.median(np.abs(noise[changed]))) < 4 / 255:
        return None
    ends = float(np.mean((values[changed] == 0) | (values[changed] == 1)))
    name = "salt_pepper" if ends > 0.95 else "impulse"
    by = "0 or 1 (salt and pepper)" if ends > 0.95 else "other values (impulses)"
    pixels = changed.any(axis=2).mean()
    whole = noise.shape[2] > 1 and bool(pixels < 1.02 * share)
    replaced = "of the pixels, whole," if whole else "of the values"
    return _Law(name, f"{share:.2%} {replaced} replaced by {by}", (), {"share": share, "whole_pixels": whole})


def _of_variances(
    noise: Float, clean: Float, values: Float, groups: list[Array], alike: float, *, cut: bool, rounded: bool
) -> _Law:
    """The law by how the variance goes with the clean value, and by the tails."""
    center = np.array([clean[g].mean() for g in groups])
    spread = float(center.max() - center.min())
    moments = [_moments(noise[g], cut=cut) for g in groups]
    variance = np.array([m[0] for m in moments])
    floor = 1 / 12 / 255**2 if rounded else 0.0
    kurtosis = float(np.median([m[1] for m in moments]))
    error = variance * np.sqrt(max(kurtosis + 2, 0.5) * alike / np.array([len(g) for g in groups])) + 1e-12
    total, excess = _moments(noise[np.concatenate(groups)], cut=cut)
    constant = _fit(variance, error, np.ones_like(center)[:, None])
    if spread < 0.05 or constant[1] <= _FITS:
        return _constant(math.sqrt(max(total - floor, 0.0)), excess, known=spread >= 0.05)
    shot = _fit(variance - floor, error, center[:, None])
    speckle = _fit(variance - floor, error, np.array([np.mean(clean[g] ** 2) for g in groups])[:, None])
    both = _fit(variance - floor, error, np.stack([np.ones_like(center), center], axis=1))
    if shot[1] <= max(_FITS, 1.5 * both[1]) and shot[1] <= speckle[1] and shot[0][0] > 0:
        return _shot(1 / float(shot[0][0]), values, rounded)
    if speckle[1] <= max(_FITS, both[1]) and speckle[0][0] > 0:
        looks = 1 / float(speckle[0][0])
        near = [f"gamma(looks={round(looks, places):g})" for places in range(3)] + ["rayleigh()"]
        text = f"multiplicative, as speckle of {looks:.2f} looks: σ grows with the brightness"
        return _Law("gamma", text, tuple(dict.fromkeys(near)), {"looks": looks})
    if both[1] <= 4 * _FITS and both[0].min() > 0:
        read, gain = math.sqrt(float(both[0][0])), float(both[0][1])
        text = f"shot and read noise (Poisson-Gaussian): peak {1 / gain:.1f}, σ = {255 * read:.2f} of 255 in the dark"
        return _Law("poisson_gaussian", text, (), {"peak": 1 / gain, "sigma": 255 * read})
    low, high = (255 * math.sqrt(float(v)) for v in (variance.min(), variance.max()))
    text = f"σ goes with the brightness, from {low:.2f} to {high:.2f} of 255, by none of the usual laws"
    levels = dict.fromkeys(f"rician(sigma={round(high, places):g})" for places in range(3))
    return _Law("other", text, tuple(levels), {"excess_kurtosis": excess})


def _moments(noise: Float, *, cut: bool) -> tuple[float, float]:
    """Variance and excess kurtosis; one side of clipped noise is taken for both."""
    centred: Float = noise if cut else noise - noise.mean()
    variance = float(np.mean(centred**2))
    return variance, float(np.mean(centred**4)) / variance**2 - 3 if variance else 0.0


def _fit(values: Float, errors: Float, columns: Float) -> tuple[Float, float]:
    """Coefficients by weighted least squares, and the mean squared error in squares of what chance gives."""
    weighted = columns / errors[:, None]
    coefficients = np.linalg.lstsq(weighted, values / errors, rcond=None)[0]
    left_over = (values - columns @ coefficients) / errors
    return np.asarray(coefficients, np.float64), float(left_over @ left_over) / max(1, len(values) - columns.shape[1])


_TAILS = (("uniform", "uniform", -1.2, 0.25), ("gaussian", "Gaussian", 0.0, 0.35), ("laplace", "Laplace", 3.0, 1.0))
"""Laws of one width by their excess kurtosis, and how far that of a picture may be off."""


def _constant(level: float, excess: float, *, known: bool) -> _Law:
    near = next((tail for tail in _TAILS if abs(excess - tail[2]) < tail[3]), None)
    name, words = near[:2] if near else ("other", "of a law with another tail")
    alike = "the same at every brightness" if known else "the picture has one brightness alone"
    text = f"{words} (excess kurtosis {excess:+.2f}), {alike}"
    figure = 255 * level * (math.sqrt(12) if name == "uniform" else 1)
    parameter = "width" if name == "uniform" else "sigma"
    specs = (
        tuple(dict.fromkeys(f"{name}({parameter}={round(figure, places):g})" for places in range(3))) if near else ()
    )
    return _Law(name, text, specs, {"excess_kurtosis": excess})


def _shot(peak: float, values: Float, rounded: bool) -> _Law:
    whole = round(peak)
    counts = not rounded and whole > 0 and bool(np.abs(values * whole - np.rint(values * whole)).max() < 1e-3)
    text = f"shot noise (Poisson): peak {peak:.1f}" + (f", in whole counts of {whole}" if counts else "")
    return _Law("poisson", text, (f"poisson(peak={whole})",) if counts else (), {"peak": peak, "whole_counts": counts})


# ---------------------------------------------------------------------------------------- correlation


def _standardised(noise: Float, clean: Float) -> Float:
    """The noise with mean 0 and variance 1 at each brightness, so that clipping correlates nothing."""
    flat, shade = noise.reshape(-1), clean.reshape(-1)
    result: Float = np.empty_like(flat)
    for group in np.array_split(np.argsort(shade, kind="stable"), max(1, min(64, flat.size // 100))):
        spread = float(flat[group].std())
        result[group] = (flat[group] - flat[group].mean()) / (spread or 1.0)
    return result.reshape(noise.shape)


def _channels(standard: Float, alike: float) -> NoiseFinding:
    if standard.shape[2] == 1:
        return NoiseFinding("channels", "one channel", {"channel_correlation": None})
    flat = standard.reshape(-1, standard.shape[2])
    pairs = np.atleast_2d(np.corrcoef(flat.T))[np.triu_indices(standard.shape[2], 1)]
    most = float(pairs[np.argmax(np.abs(pairs))])
    if abs(most) < 5 * math.sqrt(alike / len(flat)) + 0.01:
        text = f"one draw each (largest correlation {most:+.3f})"
    elif float(pairs.min()) > 0.8:
        text = f"one draw for all channels (least correlation {float(pairs.min()):+.3f})"
    else:
        text = f"channels go together in part (largest correlation {most:+.3f})"
    return NoiseFinding("channels", text, {"channel_correlation": most})


def _in_space(standard: Float) -> tuple[NoiseFinding, float]:
    """How noise is correlated in space, and how many values so count as one."""
    height, width = standard.shape[:2]
    chance = 5 / math.sqrt(standard.size) + 0.01
    right, below = _lag(standard, 0, 1), _lag(standard, 1, 0)
    far = {"rows": _lag(standard, 0, width // 2), "columns": _lag(standard, height // 2, 0)}
    values: dict[str, float | str | bool | None] = {"correlation_right": right, "correlation_below": below}
    striped = {name: value for name, value in far.items() if value > max(0.1, 2 * chance)}
    if striped:
        shown = ", ".join(f"{value:+.3f}" for value in striped.values())
        text = f"stripes: whole {' and '.join(striped)} go together ({shown})"
        return NoiseFinding("in space", text, values), float(
            math.prod(width if n == "rows" else height for n in striped)
        )
    most = max(right, below, key=abs)
    if abs(most) < chance:
        return NoiseFinding("in space", f"white (largest correlation of neighbours {most:+.3f})", values), 1.0
    text = f"correlated: neighbours by {right:+.3f} to the right and {below:+.3f} below"
    if min(right, below) > 0 and max(right, below) < 1:
        values["radius"] = radius = 1 / (2 * math.sqrt(-math.log((right + below) / 2)))
        text += f", as white noise under a Gaussian of {radius:.2f} pixels"
    alike = math.prod((1 + value) / max(1e-3, 1 - value) for value in (right, below) if value > 0)
    return NoiseFinding("in space", text, values), max(1.0, alike)


def _lag(standard: Float, down: int, right: int) -> float:
    """The correlation of values that lie so far apart."""
    height, width = standard.shape[:2]
    return float(np.mean(standard[down:, right:] * standard[: height - down, : width - right]))


# ---------------------------------------------------------------------------------------------- recipe


def _recipe(noisy: Array, clean: Float, noise: Float, law: _Law, cuts: str, seeds: int) -> NoiseFinding:
    """How the noise was drawn; `cuts` is how regimes of noisebench are told of clipping and rounding."""
    specs = [f"{spec[:-1]}{cuts})".replace("(, ", "(").replace("()", "") for spec in law.specs]
    match = find_own(noisy, clean, specs)
    if match is not None:
        text = f"{match[0]} of noisebench, seed {match[1]}: every value to the last bit"
        return NoiseFinding("recipe", text, {"regime": match[0], "seed": match[1], "equal": 1.0})
    if law.name not in ("gaussian", "other", "unknown"):
        return NoiseFinding("recipe", "not known: other seeds are looked for of Gaussian noise alone", {"seed": None})
    recipe = find_recipe(noisy, clean, noise, seeds)
    if recipe is not None:
        values = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}
        return NoiseFinding("recipe", recipe.text, values)
    text = f"none of the seeds 0 to {seeds - 1} of {', '.join(GENERATORS)}"
    return NoiseFinding("recipe", text, {"seed": None})
