"""Try a sampler or a model on tiny pictures: what an adapter gets wrong, found in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...components.plugins import described_at
from ...components.registry import Bound, bind
from ...text.errors import Skip, one_line
from ...track.examination import Finding
from ...track.findings import findings_of, set_up, tried
from ...track.posed_case import Case
from .items import LatentBatch, Reference, TrainingPicture
from .latents import pose_batch, pose_picture
from .law import Law
from .sampler import Model, Sampler, open_method

ALIKE = 0.9
"""Correlation of values of samples and latents, from which on nothing was made of these."""
SHAPES = ((1, 8, 8), (3, 7, 5), (1, 28, 28), (3, 32, 32))
"""Shapes of pictures that are tried; what the method skips does not count."""


class _ShapeTrial:
    """Cases of one shape of pictures, and what the method makes of them."""

    def __init__(self, shape: tuple[int, ...], regime: Bound) -> None:
        self.shape, self.regime = shape, regime
        wide = int(np.prod(shape))
        pattern = np.where(np.arange(wide) % 2, 0.5, -0.5)
        # Its draws are a pattern before all, so that a sampler of it gives no scaled latents.
        self.law = Law(np.ones(1), pattern[None], 0.04 * np.eye(wide)[None], shape)

    def case(self, runner: Sampler, count: int = 4, number: int = 0) -> Case:
        """A batch of latents for a sampler, a noisy picture for a model."""
        if isinstance(runner, Model):
            rng = np.random.Generator(np.random.Philox(number))
            picture = np.clip(rng.normal(0, 0.5, self.shape), -1, 1).astype(np.float32)
            return pose_picture(TrainingPicture(f"doctor-{number}", picture))
        item = LatentBatch(f"doctor-{number}", count, Reference(np.zeros((2, *self.shape), np.float32)), None, self.law)
        case = pose_batch(self.regime, item, 0, 0)
        return replace(case, info=case.info.replace(sample=item)) if runner.meta["oracle"] else case

    def samples(self, runner: Sampler, case: Case) -> Any:
        """What comes back. Raises what the method raises, `Skip` and `Invalid`."""
        runner.check(case.info)
        return runner.accept(runner.call(runner.prepare(case.given), case.info), case)["samples"]


def examine(method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]:
    """Each check in turn, on pictures of the first shape that the method takes."""
    before("sets up")
    runner = tried("sets up", lambda: set_up(open_method(method)))
    if isinstance(runner, Finding):
        yield runner
        return
    yield Finding("sets up", True)
    bound = bind(regime or "none", "regime", "generate")
    trial, skipped = None, ""
    before("gives pictures")
    for shape in SHAPES:
        one = _ShapeTrial(shape, bound)
        try:
            one.samples(runner, one.case(runner))
        except Skip as skip:
            skipped = skipped or one_line(skip)
            continue
        except (Exception, SystemExit) as error:
            yield Finding("gives pictures", False, f"{shape}: {described_at(error)}")
            return
        trial = one
        break
    if trial is None:
        yield Finding("gives pictures", None, skipped)
        return
    yield Finding("gives pictures", True, f"of {trial.shape}")
    samples = {"each by itself": _alone, "samples unlike latents": _unlike}
    of_kind = {"near the picture without noise": _near} if isinstance(runner, Model) else samples
    checks = {"repeats": _repeats, "leaves its input": _untouched, **of_kind}
    yield from findings_of({name: partial(check, runner, trial) for name, check in checks.items()}, before)


def _repeats(runner: Sampler, trial: _ShapeTrial) -> tuple[bool | None, str]:
    # Info draws anew for each case: two cases of one item are the same one.
    one, other = (trial.samples(runner, trial.case(runner)) for _ in range(2))
    same = np.array_equal(one, other)
    return same, "" if same else "two calls differ: draw from info.rng or info.generator only"


def _untouched(runner: Sampler, trial: _ShapeTrial) -> tuple[bool | None, str]:
    case = trial.case(runner)
    prepared = runner.prepare(case.given)
    runner.call(prepared, case.info)
    same = runner.untouched(prepared, case.given)
    return same, "" if same else "it writes into its input: work on a copy"


def _alone(runner: Sampler, trial: _ShapeTrial) -> tuple[bool | None, str]:
    """Whether what is made of a latent depends on those beside it."""
    six, three = (trial.samples(runner, trial.case(runner, count)) for count in (6, 3))
    off = float(np.abs(six[:3] - three).max())
    if off < 1e-3 * max(1.0, float(np.abs(three).max())):
        return True, ""
    return (
        None,
        f"a sample depends on how many are made at once (by {off:.2g}), as where it draws noise of its own",
    )


def _unlike(runner: Sampler, trial: _ShapeTrial) -> tuple[bool | None, str]:
    """Whether it makes something of its latents."""
    case = trial.case(runner, 16)
    samples, latents = trial.samples(runner, case).ravel(), case.given.ravel()
    spread = float(samples.std())
    if spread == 0 or (alike := float(np.corrcoef(samples, latents)[0, 1])) < ALIKE:
        return True, ""
    if runner.meta["role"] in ("baseline", "sanity"):
        return None, "it gives its latents, as a sanity row may"
    return False, f"samples are the latents (correlation {alike:.2f}): make pictures of them"


def _near(runner: Sampler, trial: _ShapeTrial) -> tuple[bool | None, str]:
    """Whether a model gives back what has hardly any noise."""
    case = trial.case(runner)
    least = int(np.argmin(case.info.sigma))
    off = float(np.sqrt(np.mean((trial.samples(runner, case)[least] - case.given[least]) ** 2)))
    if off < 0.3:
        return True, ""
    sigma = float(case.info.sigma[least])
    return False, f"it is {off:.2g} off a picture whose noise is {sigma:.2g}: x is the picture plus sigma times noise"
