"""The white-box attack of the regime `adversarial`: made in the scorer, which asks the method for gradients alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...components.keyed_noise import keyed_generator, noise_key
from ...components.registry import Bound, bind
from ...text.errors import Invalid
from ...track.protocols import Case
from .company import TOGETHER
from .labelled_picture import LabelledPicture, values_sha256

Floats = npt.NDArray[np.float64]
Ask = Callable[[Sequence[Case]], Any]
"""Cases → what `Classifier.differentiate` says of their pictures."""
ADVERSARIAL = "adversarial"
_NONE = "none"


def apart(regime: Bound) -> tuple[Bound, Bound | None]:
    """A regime without the attack that stands last in it, and that attack, None where there is none."""
    last = regime.parts[-1]
    if last.entry.name != ADVERSARIAL:
        return regime, None
    before = regime.display.removesuffix(last.display).removesuffix(" + ")
    return bind(before or _NONE, "regime", regime.track), last


def attacked_together(regime: Bound) -> int:
    """How many pictures are attacked together, at most: 1 where a regime attacks none."""
    return TOGETHER if apart(regime)[1] is not None else 1


def attacked_cases(regime: Bound, posed: Sequence[tuple[LabelledPicture, Case]], seed: int, ask: Ask) -> list[Case]:
    """The cases with the pictures that the attack of a regime leads to; as they are without one, or with no true class.

    `input_sha256` stays that of the picture before the attack: so the inputs of all methods are the same.
    """
    _, attack = apart(regime)
    cases = [case for _, case in posed]
    if attack is None:
        return cases
    searches: dict[int, _Steps] = {}
    for place, (item, case) in enumerate(posed):
        if item.label >= 0:
            search = _Search(case, item.label, **attack.kwargs)
            rng = keyed_generator(noise_key(regime, seed, values_sha256(item)))
            searches[place] = search.fgsm() if attack.kwargs["kind"] == "fgsm" else search.pgd(rng)
    looked_at = {place: next(search) for place, search in searches.items()}
    while looked_at:  # all of them end at the same step
        answers = ask(list(looked_at.values()))
        if not isinstance(answers, list) or len(answers) != len(looked_at):
            raise Invalid("its process sent what are no gradients")
        for place, answer in zip(list(looked_at), answers, strict=True):
            try:
                looked_at[place] = searches[place].send(answer)
            except StopIteration as end:
                del looked_at[place]
                cases[place] = replace(cases[place], given=end.value)
    return cases


class _Point(NamedTuple):
    """A picture, the margin of the label there, and the gradient of how unsure a classifier is of it."""

    x: Floats
    margin: float
    slope: Floats


_Steps = Generator[Case, Any, npt.NDArray[np.float32]]
"""A search: it gives cases, is sent what is said of each, and returns a picture."""


class _Search:
    """One picture under attack: x float64 (H, W, C), by what a classifier says of it."""

    def __init__(self, case: Case, label: int, *, kind: str, eps: float, norm: str, steps: int, restarts: int) -> None:
        self._case, self._label = case, label
        self._eps, self._norm, self._steps, self._restarts = eps, norm, steps, restarts
        self._given = case.given.astype(np.float64)
        # A value beyond [0, 1], as noise leaves it, stays where it was or comes nearer.
        self._low, self._high = np.minimum(self._given, 0), np.maximum(self._given, 1)

    def fgsm(self) -> _Steps:
        """One step of length eps from the given picture."""
        start = yield from self._look(self._given)
        return self._limited(self._eps * self._steepest(start.slope)).astype(np.float32)

    def pgd(self, rng: np.random.Generator) -> _Steps:
        """The point of the least margin that was met, from the given picture and random changes of it."""
        best = yield from self._look(self._given)
        for _ in range(self._restarts):
            x = self._limited(self._random(rng))
            for _ in range(self._steps):
                at = yield from self._look(x)
                best = min(best, at, key=lambda point: point.margin)
                x = self._limited(at.x + 2.5 * self._eps / self._steps * self._steepest(at.slope) - self._given)
            last = yield from self._look(x)
            best = min(best, last, key=lambda point: point.margin)
        return best.x.astype(np.float32)

    def _look(self, x: Floats) -> Generator[Case, Any, _Point]:
        """Have the classifier asked. Raises `Invalid` for what is no answer."""
        answer = yield replace(self._case, given=np.ascontiguousarray(x, dtype=np.float32))
        try:
            logits, gradients = (np.asarray(answer[name], dtype=np.float64) for name in ("logits", "gradients"))
        except (TypeError, KeyError, ValueError):
            raise Invalid("its process sent what are no gradients") from None
        classes = self._case.wanted[0]
        if logits.shape != (classes,) or gradients.shape != (classes, *x.shape):
            raise Invalid(f"its process sent gradients of shape {gradients.shape}, where {(classes, *x.shape)} is due")
        if not (np.isfinite(logits).all() and np.isfinite(gradients).all()):
            raise Invalid("its process sent gradients that are not finite")
        others = np.delete(logits, self._label)
        # Of log(1 - p) - log p of the label: the direction of cross-entropy, which vanishes where p is 1.
        weights = np.exp(others - others.max())
        toward = np.insert(weights / weights.sum(), self._label, -1.0)
        return _Point(x, float(logits[self._label] - others.max()), np.tensordot(toward, gradients, axes=1))

    def _steepest(self, slope: Floats) -> Floats:
        """The direction of length 1 along which a linear function of that slope grows most; none where it is 0."""
        if self._norm == "linf":
            signs: Floats = np.sign(slope)
            return signs
        scaled: Floats = slope / max(float(np.abs(slope).max()), 1e-300)
        return scaled / max(float(np.linalg.norm(scaled)), 1e-300)

    def _limited(self, change: Floats) -> Floats:
        """The given picture with a change that is cut to eps and to the values of pictures."""
        if self._norm == "linf":
            change = np.clip(change, -self._eps, self._eps)
        else:
            change = change * min(1.0, self._eps / max(float(np.linalg.norm(change)), 1e-300))
        values: Floats = np.clip(self._given + change, self._low, self._high)
        return values

    def _random(self, rng: np.random.Generator) -> Floats:
        """A change drawn uniformly within eps."""
        if self._norm == "linf":
            return self._eps * np.asarray(rng.uniform(-1, 1, self._given.shape))
        length: float = self._eps * rng.uniform() ** (1 / self._given.size)
        return length * self._steepest(rng.standard_normal(self._given.shape))
