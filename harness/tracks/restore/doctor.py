"""Try a restoration method on tiny pictures: what an adapter gets wrong, found in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations

import numpy as np

from ...components.plugins import described_at
from ...components.registry import Bound, bind
from ...text.errors import Skip, one_line
from ...track.examination import Finding
from ...track.findings import Check, findings_of, set_up, tried
from .patient import SCALES, Patient, at_scale
from .readings import AS_IT_IS, advice, better, crops, gains
from .restorer import Restorer
from .training_mode import counted, evaluating, watched

KINDS = {1: "grey", 3: "colour"}
LEAST = (2, 3, 4, 5, 6, 8, 11, 12, 16, 24, 32)
"""Sides from which on a method may work."""
EVALUATION = 0.3
"""How much a network must gain by evaluation mode, in dB, where two calls agree without."""
HARM = 3.0
"""A loss in dB against the noisy input that no method of restoration should cause."""
SAME = 1e-6
"""Of float32 on [0, 1]: what differs by no more is the same picture."""
GUIDE = "docs/pytorch-network.md"
DRAWS = "draw from info.rng or info.generator only"


def _kind(patient: Patient, channels: int) -> tuple[bool | None, str]:
    """Whether it restores grey pictures, or colour ones, and what to write where it is only one of them."""
    height, width = patient.size
    size, other = f"{height}×{width} {KINDS[channels]}", KINDS[4 - channels]
    only = patient.only and channels not in patient.takes
    try:
        patient.try_on(height, width, channels)
    except Skip as skip:
        if only:
            part = "rgb" if channels == 1 else "luma"
            remedy = "" if f"{part}(" in str(skip) else f"; run it on {part}(of=…) of a {KINDS[channels]} set"
            return None, f"takes {other} only: {one_line(skip)}{remedy}"
        return None, f"skips {size}: {one_line(skip)}"
    except (Exception, SystemExit) as error:
        if only:
            place = "[1]" if patient.restorer.meta["layout"] == "tensor" else "[2]"
            line = f'if noisy.shape{place} != {4 - channels}: raise nb.Skip("for {other} pictures")'
            return False, f"{size}: {described_at(error)}: it takes {other} only, so begin with `{line}`"
        return False, f"{size}: {described_at(error)}{_remedy(patient, *patient.size, channels)}"
    return True, ""


def _sizes(patient: Patient, sizes: Sequence[tuple[int, int, int]]) -> tuple[bool | None, str]:
    """Pictures of these heights, widths and channels; channels that it does not take are another check's."""
    tried = list(dict.fromkeys((h, w, c if c in patient.takes else patient.fewest) for h, w, c in sizes))
    skipped = []
    for height, width, channels in tried:
        size = f"{height}×{width} {KINDS[channels]}"
        try:
            patient.try_on(height, width, channels)
        except Skip as skip:
            skipped.append(f"skips {size}: {one_line(skip)}")
        except (Exception, SystemExit) as error:
            return False, f"{size}: {described_at(error)}{_remedy(patient, height, width, channels)}"
    if len(skipped) == len(tried):
        return None, skipped[0]
    return True, "; ".join(skipped)


def _remedy(patient: Patient, height: int, width: int, channels: int) -> str:
    """What to write where a size fails and others do not, after a colon."""
    noisy, info, clean = patient.degraded(height, width, channels)
    answer = patient.answer(noisy, info)
    if answer is not None and clean.shape != answer.shape == (clean.shape[1], clean.shape[0], clean.shape[2]):
        return ": height and width come back exchanged: transpose the result"
    spare = np.subtract(answer.shape, clean.shape) if answer is not None else np.zeros(3)
    if spare.any() and spare.min() >= 0 and spare[2] == 0:
        cut = "[:height, :width]" if patient.restorer.meta["layout"] == "hwc" else "[:, :, :height, :width]"
        return f": cut what is too much, `height, width = info.shape; return result{cut}`"
    if not patient.works:
        return ""
    if patient.multiple > 1:
        m = patient.multiple
        return f": it wants sides that are multiples of {m}: pad the input to them and cut the result ({GUIDE})"
    for side in LEAST:
        if side > min(height, width) and patient.fits(side * patient.scale, side * patient.scale, channels):
            return f": it works from {side}×{side} on: pad smaller pictures and cut the result, or raise nb.Skip"
    return ""


def _untouched(patient: Patient) -> tuple[bool, str]:
    noisy, info, _ = patient.degraded(*patient.size, patient.most)
    prepared = patient.restorer.prepare(noisy)
    before = prepared.copy() if isinstance(prepared, np.ndarray) else prepared.clone()
    patient.restorer.call(prepared, info)
    same = bool((before == prepared).all())
    return same, "" if same else "the method writes into its input: work on a copy"


def _repeats(patient: Patient) -> tuple[bool, str]:
    first, second = (patient.try_on(*patient.size, patient.fewest) for _ in range(2))
    if np.array_equal(first, second):
        return True, ""
    off = float(np.abs(first - second).max())
    mend = f"{counted(patient.caught)} in training mode, call .eval()" if patient.caught else DRAWS
    return False, f"two calls differ by up to {off:.3g}: {mend}"


def _forgets(patient: Patient) -> tuple[bool, str]:
    fresh = patient.try_on(*patient.size, patient.fewest, draw=1)
    patient.try_on(*patient.size[::-1], patient.fewest, draw=2)
    again = patient.try_on(*patient.size, patient.fewest, draw=1)
    same = np.array_equal(fresh, again)
    return same, "" if same else "the result depends on the picture before it: keep no state between calls"


def _range(patient: Patient) -> tuple[bool, str]:
    _, _, clean = patient.degraded(*patient.size, patient.most)
    restored = patient.try_on(*patient.size, patient.most)
    low, high, shift = float(restored.min()), float(restored.max()), float(restored.mean() - clean.mean())
    shown = f"{low:.3g} to {high:.3g}, mean {shift:+.3g} off the clean one"
    if low < -3 or high > 4:
        return False, f"{shown}: return the [0, 1] scale that the input is on"
    # Half-missing pictures that come back as they are (identity) have half the mean.
    if abs(shift) > 0.3 and not patient.enhances:
        return (
            False,
            f"{shown}: brightness is not kept (a wrong scale or mean? if meant, say enhances=True)",
        )
    return True, shown


def _channel_order(patient: Patient) -> tuple[bool | None, str]:
    if patient.most == 1:
        return None, "grey only"
    _, _, clean = patient.degraded(*patient.size, 3)
    restored = patient.try_on(*patient.size, 3)
    errors = {order: float(np.mean(np.square(restored[:, :, order] - clean))) for order in permutations(range(3))}
    best = min(errors, key=lambda order: errors[order])
    # The channels of the picture differ by more than the noise. What is worse than a flat picture is in no order.
    if errors[best] < min(0.8 * errors[0, 1, 2], float(clean.var(axis=(0, 1)).mean())):
        came = "".join("RGB"[place] for place in np.argsort(best))
        return False, f"the channels come back as {came}: a picture is RGB, on the way in and out"
    return True, ""


def _larger(patient: Patient) -> tuple[bool, str]:
    noisy, info, clean = patient.degraded(256, 256, patient.most)
    start = time.perf_counter()
    patient.restorer.restore(noisy, info, clean.shape)
    return True, f"{time.perf_counter() - start:.2f} s"


def _evaluation_mode(patient: Patient) -> tuple[bool | None, str]:
    if not patient.caught:
        return True, ""
    cases = crops(patient.regime, patient.most, patient.oracle)
    # Where the answer is misread, what evaluation mode gains is seen in the right reading only.
    best = better(patient.answer, cases, gains(patient.answer, cases, [AS_IT_IS])[0])
    reading = [best[0] if best else AS_IT_IS]
    now = [float(np.mean(gains(patient.answer, cases, reading)[0])) for _ in range(2)]
    refuses = not patient.fits(1, 1, patient.most)
    with evaluating(patient.caught):
        then = float(np.mean(gains(patient.answer, cases, reading)[0]))
        refuses = refuses and patient.fits(1, 1, patient.most)
    shown = f"{counted(patient.caught)} in training mode: {now[0]:+.1f} dB over the input, {then:+.1f} dB after .eval()"
    if refuses:
        shown += ", and it takes one pixel only then"
    if refuses or then >= now[0] + EVALUATION or (now[0] != now[1] and then >= now[0]):
        return False, f"{shown}: write net.eval() in setup"
    return True, shown


def _gain(patient: Patient, regime: Bound) -> tuple[bool | None, str]:
    """How much better than a method that does nothing it is on photographs, and what would make it better by far."""
    if patient.enhances:
        return True, "not judged: it is meant to change the brightness"
    cases = crops(regime, patient.most, patient.oracle)
    noisy, info, clean = cases[0]
    patient.restorer.check(info)
    if all(given.shape == truth.shape and np.allclose(given, truth, rtol=0, atol=SAME) for given, _, truth in cases):
        return None, f"not judged: under {regime.display} the input is the clean picture"
    enlarges = noisy.shape != clean.shape
    gained = gains(patient.answer, cases, [AS_IT_IS])[0]
    mean = float(np.mean(gained))
    if not np.isfinite(mean):
        # It skips, fails or has no noise to take away: said as a run says it.
        patient.restorer.restore(noisy, info, clean.shape)
        return True, "no error"
    over = "bicubic" if enlarges else "the noisy input"
    shown = f"{round(mean, 1) + 0.0:+.1f} dB over {over} ({regime.display}, {len(cases)} crops)"
    if patient.oracle:
        return True, shown
    best = better(patient.answer, cases, gained)
    if best is not None:
        return False, f"{shown}; {advice(*best, enlarges)}"
    if mean < -HARM and not enlarges:
        return (
            False,
            f"{shown}: worse than doing nothing (are its parameters loaded, and meant for this noise?)",
        )
    return True, shown


def checks(patient: Patient) -> dict[str, Check]:
    """The checks by name, in the order in which they are done."""
    spec = patient.regime.display
    disclosed = {name for part in patient.regime.parts for name in part.entry.meta["discloses"]}
    scales = SCALES if "scale" in disclosed and at_scale(spec, 0) != spec else ()
    return {
        "grey": partial(_kind, patient, 1),
        "colour": partial(_kind, patient, 3),
        "odd sizes": partial(_sizes, patient, [(37, 53, 1), (53, 37, 3), (31, 64, 1)]),
        "tiny": partial(_sizes, patient, [(3, 3, 1), (3, 3, 3), (2, 5, 1), (1, 9, 3), (9, 1, 1)]),
        "1×1": partial(_sizes, patient, [(1, 1, 1), (1, 1, 3)]),
        "input left unmodified": partial(_untouched, patient),
        "deterministic": partial(_repeats, patient),
        "no memory of the last picture": partial(_forgets, patient),
        "range": partial(_range, patient),
        "channel order": partial(_channel_order, patient),
        "evaluation mode": partial(_evaluation_mode, patient),
        "larger": partial(_larger, patient),
        **({} if scales else {"gain": partial(_gain, patient, patient.regime)}),
        **{f"×{scale}": partial(_gain, patient, bind(at_scale(spec, scale), "regime")) for scale in scales},
    }


def examine(bound: Bound, before: Callable[[str], None] = lambda name: None, regime: str = "") -> Iterator[Finding]:
    """Try `bound`, a method of track restore, and yield what each check finds; `before` hears what comes.

    Under `regime`, or one that discloses what the method needs; those that make pictures smaller ×2, ×3 and ×4.
    """
    before("loads")
    restorer = tried("loads", lambda: set_up(Restorer(bound)))
    if isinstance(restorer, Finding):
        yield restorer
        return
    with watched() as caught:
        try:
            patient = Patient(restorer, caught, regime)
        except Skip as skip:
            yield Finding("loads", None, one_line(skip))
            return
        only = f"; takes {KINDS[patient.most]} only" if patient.only else ""
        yield Finding("loads", True, f"tried under {patient.regime.display}{only}")
        yield from findings_of(checks(patient), before)
