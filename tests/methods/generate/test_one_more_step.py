"""One More Step, and the exact model of textures, against closed forms of their brightness."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Law

TRACK = get_track("generate")
LARGE = "brightness(n=1, count=6, reference=16, trained=2)"
KINDS = "brightness(size=6, means=[-0.6, 0.4], spread=0.2, n=1, count=12, reference=16, trained=2, labels=true)"
ENDS, MEAN, SPREAD, SIDE = 14.6, 0.5, 0.3, 64
PULL = math.sqrt((SPREAD * SIDE) ** 2 / ((SPREAD * SIDE) ** 2 + ENDS**2))
"""How much of what is off the mean brightness at the first level is left of it at the end."""


def posed(dataset: str) -> Any:
    item = nb.open_dataset(bind(dataset, "dataset", "generate")).load(0)
    return TRACK.pose(bind("none", "regime", "generate"), item, 0)


def drawn(method: str, dataset: str = LARGE) -> Any:
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    return call_on(runner, posed(dataset), "cpu")[0]


def brightness(method: str) -> Any:
    return drawn(method)["samples"].mean(axis=(1, 2, 3))


def model(spec: str) -> Any:
    bound = bind(spec, "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    made.setup("cpu")
    return made


def fine(steps: int = 40) -> str:
    return f"heun(model=exact_waves, most={ENDS}, schedule=log_uniform, steps={steps})"


@pytest.mark.parametrize("sigma", [0.01, 0.7, 30.0])
def test_the_model_of_waves_is_the_exact_model(sigma: float) -> None:
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((12, 1, 6, 6))) * (1 + sigma)
    for labels in (None, torch.tensor([0, 1, -1] * 4)):
        due = model(f"exact(of={KINDS})").denoised(x, sigma, labels)
        torch.testing.assert_close(model(f"exact_waves(of={KINDS})").denoised(x, sigma, labels), due, rtol=0, atol=1e-9)


def test_a_law_of_waves_is_the_law_with_these_matrices() -> None:
    waves: Any = nb.open_dataset(bind(KINDS, "dataset", "generate"))
    law = waves.law
    variances, axes = law.axes
    whole = Law(law.weights, law.means, np.einsum("kij,kj,klj->kil", axes, variances, axes), law.shape)
    for own, due in zip(law.moments(), whole.moments(), strict=True):
        np.testing.assert_allclose(own, due, atol=1e-12)
    normal, of = np.random.default_rng(0).standard_normal((4, 36)), np.array([0, 1, 1, 0])
    np.testing.assert_allclose(law.drawn(normal, of), whole.drawn(normal, of), atol=1e-12)
    texture = np.diag(whole.covariances[0] - 0.2**2)
    assert texture.mean() == pytest.approx(0.2**2, rel=1e-12), "of each kind: spread and texture are 0.2"


def test_what_begins_at_noise_alone_has_the_wrong_brightness_and_by_how_much() -> None:
    start = ENDS * posed(LARGE).given.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(brightness(fine()), MEAN + PULL * (start - MEAN), atol=0.004)
    # As the paper has it, with abar = 1/(1 + 14.6²): what is left of the deviation, 0.607 of it, and of the mean.
    kept = 1 / (1 + ENDS**2)
    ratio = math.sqrt((1 - kept) / (kept * (SPREAD * SIDE) ** 2 + 1 - kept))
    np.testing.assert_allclose(PULL * ENDS / (SPREAD * SIDE), ratio, rtol=1e-12)
    assert ratio == pytest.approx(0.607, abs=0.002)
    np.testing.assert_allclose(MEAN * (1 - PULL), 0.102, atol=0.001)


def test_the_step_from_noise_to_the_mean_mends_the_mean_and_not_the_spread() -> None:
    made = brightness(f"one_more_step(base={fine()}, first=exact_waves)")
    fresh = posed(LARGE).info.rng.standard_normal((6, 1, SIDE, SIDE)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(made, MEAN + PULL * ENDS * fresh, atol=0.006)


def test_the_step_from_noise_to_pictures_mends_both() -> None:
    made = brightness(f"one_more_step(base={fine()}, first=draws(of=brightness))")
    seen = brightness("draws(of=brightness)")
    fresh = posed(LARGE).info.rng.standard_normal((6, 1, SIDE, SIDE)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(made, MEAN + PULL * (seen - MEAN + ENDS * fresh), atol=0.004)
    np.testing.assert_allclose(PULL**2 * (SPREAD**2 + (ENDS / SIDE) ** 2), SPREAD**2, rtol=1e-12)


def test_each_sample_is_of_the_kind_that_is_asked_for() -> None:
    of = f"exact_waves(of={KINDS})"
    # A spread of 0.01 within a kind: the first step alone says which.
    narrow, base = of.replace("spread=0.2", "spread=0.01"), "ddim(model={}, most=14.6, steps=30)"
    made = drawn(f"one_more_step(base={base.format(narrow)}, first={narrow})", KINDS)["samples"].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(made, np.tile([-0.6, 0.4], 6), atol=0.1)


def test_the_step_costs_one_call_and_depends_on_the_input_alone() -> None:
    spec = "one_more_step(base=ddim(model=exact_waves, most=14.6, steps=3), first=exact_waves)"
    once, again = drawn(spec), drawn(spec)
    assert once["evaluations"] == 4 and np.array_equal(once["samples"], again["samples"])
    sampled = spec.replace("first=exact_waves", "first=euler(model=exact_waves, steps=2)")
    assert drawn(sampled)["evaluations"] == 5


def test_what_is_no_sampler_or_no_model_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="one_more_step .*base=heun"):
        TRACK.open(bind("one_more_step(base=exact_waves, first=exact_waves)", "method", "generate"))
    with pytest.raises(nb.UsageError, match="is no model"):
        TRACK.open(bind("one_more_step(base=euler(model=exact_waves), first=identity)", "method", "generate"))
    with pytest.raises(nb.Skip, match="none of waves"):
        model("exact_waves(of=mixture_digits)")
    with pytest.raises(nb.Skip, match="not known"):
        model("draws(of=digits)")
    with pytest.raises(nb.Skip, match=r"exact_waves\(of=brightness.*\(1, 6, 6\), not \(1, 64, 64\)"):
        drawn("euler(model=exact_waves(of=brightness(size=6)))")
    with pytest.raises(nb.Skip, match="are of pictures"):
        drawn("draws(of=brightness(size=6))")


class Net(torch.nn.Module):
    """A network that knows the mean, 0.3, and remembers which levels it was told."""

    classes = 0

    def forward(self, x: Any, level: Any, labels: Any) -> Any:
        self.told = (4 * level).exp()
        return torch.full_like(x, -0.3)


@pytest.mark.parametrize(("least", "most"), [(0.002, 14.6), (1.0, 5.0), (1e4, 1e4)])
def test_levels_lie_between_the_two(least: float, most: float) -> None:
    net, bound = Net(), bind(f"v_between(least={least}, most={most})", "objective")
    torch.manual_seed(0)
    bound.entry.obj(net, {"wanted": torch.full((4000, 1, 1, 1), 0.65)}, **bound.kwargs)
    assert float(net.told.min()) >= least * 0.999 and float(net.told.max()) <= most * 1.001
    middle = math.tan((math.atan(least) + math.atan(most)) / 2)
    assert float(net.told.median()) == pytest.approx(middle, rel=0.1)


def test_of_pure_noise_the_network_learns_the_picture_and_is_read_so() -> None:
    net, bound = Net(), bind("v_between(least=10000, most=10000)", "objective")
    torch.manual_seed(0)
    # Pictures of 0.3 on [-1, 1] are 0.65 on [0, 1]: a network that gives -0.3 has no loss.
    assert float(bound.entry.obj(net, {"wanted": torch.full((64, 1, 4, 4), 0.65)}, **bound.kwargs)) < 1e-6
    read = bound.entry.obj.denoised(net, 1e4 * torch.randn(3, 1, 4, 4), 1e4)
    torch.testing.assert_close(read, torch.full_like(read, 0.3), rtol=0, atol=1e-3)


def test_levels_that_rise_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="give less for least"):
        bind("v_between(least=3, most=2)", "objective")


def test_the_distance_of_brightness_is_how_far_it_is_moved() -> None:
    item = nb.open_dataset(bind(LARGE, "dataset", "generate")).load(0)
    metric = bind("brightness_distance", "metric", "generate")
    for off in (0.0, 0.25, -0.4):
        made = {"samples": item.reference.pictures + np.float32(off), "evaluations": None}
        found = TRACK.score(made, item, posed(LARGE), bind("as_is", "protocol", "generate"), [metric])
        assert found["brightness_distance"] == pytest.approx(abs(off), abs=1e-6)
