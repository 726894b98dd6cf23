"""Samplers of `generate` against exact solutions: orders of convergence, equalities, and laws that are known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate._stepping import levels
from noisebench.track.calling import call_on
from noisebench.track.info import Info
from noisebench.tracks.generate import Law

TRACK = get_track("generate")
MEAN, SPREAD = 0.3, 0.5
START = 80 * torch.tensor([[[[1.0, -2.0]]], [[[0.1, 0.7]]]], dtype=torch.float64)


def of_normal(x: Any, sigma: float) -> Any:
    """The model of pictures whose values are N(0.3, 0.5²)."""
    return MEAN + SPREAD**2 / (SPREAD**2 + sigma**2) * (x - MEAN)


def solution(sigma: float) -> Any:
    """Where the probability flow from START is at a level."""
    return MEAN + (START - MEAN) * math.sqrt((SPREAD**2 + sigma**2) / (SPREAD**2 + 80**2))


def sampler(spec: str, **more: Any) -> Any:
    """The instance of a sampler of the exact model, by its spec without it."""
    name, _, rest = spec.partition("(")
    bound = bind(f"{name}(model=exact{', ' + rest if rest else ')'}", "method", "generate")
    made = bound.entry.obj(**bound.kwargs)
    for what, value in more.items():
        setattr(made, what, value)
    return made


def walked(spec: str, steps: int, schedule: Any = "log_uniform") -> Any:
    made = sampler(spec, levels=levels(schedule, steps, 1e-5, 80.0))
    return made.walk(of_normal, START, Info({}, b"key"))


@pytest.mark.parametrize("schedule", ["karras", "log_uniform", "cosine", "linear", "flow"])
def test_levels_fall_from_the_first_to_the_last_and_then_to_none(schedule: Any) -> None:
    found = levels(schedule, 9, 0.01, 50.0)
    assert len(found) == 10
    assert found[0] == 50.0 and found[-2:] == [0.01, 0.0]
    assert all(a > b for a, b in itertools.pairwise(found))
    assert levels(schedule, 1, 0.01, 50.0) == [50.0, 0.0]
    with pytest.raises(nb.UsageError, match="least"):
        levels(schedule, 9, 50.0, 50.0)


def test_levels_are_those_of_their_papers() -> None:
    # Karras et al., eq. 5.
    step, n = 3, 10
    due = (80 ** (1 / 7) + step / (n - 1) * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    assert levels("karras", n, 0.002, 80.0)[step] == pytest.approx(due, rel=1e-12)
    # Ho et al. in continuous time: the share of the picture's power that is left is exp(-integral of the rate).
    middle = levels("linear", 3, 0.02, 80.0)[1]
    times = [(math.sqrt(0.1**2 + 2 * 19.9 * math.log1p(s**2)) - 0.1) / 19.9 for s in (0.02, 80.0)]
    time = sum(times) / 2
    assert 1 / (1 + middle**2) == pytest.approx(math.exp(-0.1 * time - 19.9 / 2 * time**2), rel=1e-9)


@pytest.mark.parametrize(
    ("spec", "order"),
    [
        ("euler", 1),
        ("ddim", 1),
        ("heun", 2),
        ("dpm_solver_2m", 2),
        ("lms", 2),
        ("lms(order=3)", 3),
        ("lms(order=4)", 4),
        ("unipc", 3),
    ],
)
@pytest.mark.parametrize("schedule", ["karras", "log_uniform"])
def test_the_error_falls_with_the_power_of_the_steps(spec: str, order: int, schedule: str) -> None:
    errors = [float((walked(spec, steps, schedule) - solution(0)).abs().max()) for steps in (200, 400)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)
    assert errors[1] < 0.03


def test_ddim_without_noise_is_euler_and_with_all_of_it_is_ddpm() -> None:
    torch.testing.assert_close(walked("ddim", 12), walked("euler", 12), rtol=0, atol=1e-12)
    torch.testing.assert_close(walked("lms(order=1)", 12), walked("euler", 12), rtol=0, atol=1e-12)
    torch.testing.assert_close(walked("ddim(eta=1)", 12), walked("ddpm", 12), rtol=0, atol=1e-12)
    assert float((walked("ddpm", 12) - walked("euler", 12)).abs().max()) > 0.1


def test_ddim_is_that_of_its_paper_in_the_variables_of_its_paper() -> None:
    """Equation 12 of Song et al.: x scaled to the variance 1, its noise seen, with their deviation of new noise."""
    eta, high, low = 0.4, 2.0, 0.7
    made = sampler(f"ddim(eta={eta})", levels=[high, low])
    x = torch.tensor([[[[1.5]]]], dtype=torch.float64)
    rng = Info({}, b"key").rng.standard_normal((1, 1, 1, 1))
    kept, lower = 1 / (1 + high**2), 1 / (1 + low**2)
    scaled = x * math.sqrt(kept)
    eps = (x - of_normal(x, high)) / high
    spread = eta * math.sqrt((1 - lower) / (1 - kept)) * math.sqrt(1 - kept / lower)
    due = math.sqrt(lower) * (scaled - math.sqrt(1 - kept) * eps) / math.sqrt(kept)
    due = due + math.sqrt(1 - lower - spread**2) * eps + spread * torch.from_numpy(rng)
    found = made.walk(of_normal, x, Info({}, b"key")) * math.sqrt(lower)
    torch.testing.assert_close(found, due, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variance", ["small", "large"])
def test_ancestral_steps_are_those_of_ddpm(variance: str) -> None:
    """Equations 6 and 7 of Ho et al.: mean and variance of a level given the one above it and the picture."""
    high, low = 2.0, 0.7
    made = sampler(f"ddpm(variance={variance})", levels=[high, low])
    x = torch.tensor([[[[1.5]]]], dtype=torch.float64)
    rng = Info({}, b"key").rng.standard_normal((1, 1, 1, 1))
    kept, lower = 1 / (1 + high**2), 1 / (1 + low**2)
    alpha = kept / lower
    clean = of_normal(x, high)
    mean = math.sqrt(lower) * (1 - alpha) / (1 - kept) * clean
    mean = mean + math.sqrt(alpha) * (1 - lower) / (1 - kept) * x * math.sqrt(kept)
    spread = (1 - alpha) * ((1 - lower) / (1 - kept) if variance == "small" else 1)
    due = mean + math.sqrt(spread) * torch.from_numpy(rng)
    found = made.walk(of_normal, x, Info({}, b"key")) * math.sqrt(lower)
    torch.testing.assert_close(found, due, rtol=1e-12, atol=1e-12)


def test_the_multistep_solver_is_that_of_its_paper() -> None:
    """Algorithm 2 of Lu et al. in its own variables: half of the logarithm of the signal-to-noise ratio."""
    sigmas = [3.0, 1.0, 0.2]
    made = sampler("dpm_solver_2m", levels=sigmas)
    x = torch.tensor([[[[1.5]]]], dtype=torch.float64)
    alpha = [(1 + s**2) ** -0.5 for s in sigmas]
    noise = [s * a for s, a in zip(sigmas, alpha, strict=True)]
    lam = [math.log(a / n) for a, n in zip(alpha, noise, strict=True)]
    h = [lam[1] - lam[0], lam[2] - lam[1]]
    seen = [of_normal(x, sigmas[0])]
    y = noise[1] / noise[0] * (alpha[0] * x) - alpha[1] * math.expm1(-h[0]) * seen[0]
    seen.append(of_normal(y / alpha[1], sigmas[1]))
    ratio = h[0] / h[1]
    ahead = (1 + 1 / (2 * ratio)) * seen[1] - 1 / (2 * ratio) * seen[0]
    due = noise[2] / noise[1] * y - alpha[2] * math.expm1(-h[1]) * ahead
    found = made.walk(of_normal, x, Info({}, b"key")) * alpha[2]
    torch.testing.assert_close(found, due, rtol=1e-12, atol=1e-12)


def test_prediction_and_correction_are_those_of_their_paper() -> None:
    """Algorithms of UniPC with B2(h) = e^h - 1 of Zhao et al. in their variables, the shares by their linear system."""
    sigmas = [3.0, 1.2, 0.5, 0.2]
    x = torch.tensor([[[[1.5]]]], dtype=torch.float64)
    alpha = [(1 + s**2) ** -0.5 for s in sigmas]
    noise = [s * a for s, a in zip(sigmas, alpha, strict=True)]
    lam = [math.log(a / n) for a, n in zip(alpha, noise, strict=True)]
    y, seen = alpha[0] * x, [of_normal(x, sigmas[0])]
    for i in range(3):
        h = lam[i + 1] - lam[i]
        start = noise[i + 1] / noise[i] * y - alpha[i + 1] * math.expm1(-h) * seen[i]
        behind = [(seen[i - 1] - seen[i]) * h / (lam[i - 1] - lam[i])] if i else []
        guess = start - alpha[i + 1] * math.expm1(-h) * sum(0.5 * one for one in behind)
        seen.append(of_normal(guess / alpha[i + 1], sigmas[i + 1]))
        places = np.array([(lam[i - 1] - lam[i]) / h, 1.0]) if i else np.array([1.0])
        # Minus h in place of h, for it is the picture that is seen and not the noise.
        phi = [math.expm1(-h)]
        for k in range(1, 3):
            phi.append(phi[-1] / -h - 1 / math.factorial(k))
        due = [phi[k] * math.factorial(k) / math.expm1(-h) for k in range(1, len(places) + 1)]
        shares = np.linalg.solve(np.vander(places, increasing=True).T, due) if i else [0.5]
        differences = [*behind, seen[i + 1] - seen[i]]
        y = start - alpha[i + 1] * math.expm1(-h) * sum(s * d for s, d in zip(shares, differences, strict=True))
    found = sampler("unipc", levels=[*sigmas, 0.0])
    last: list[Any] = []

    def watched(at: Any, sigma: float) -> Any:
        last.append(at)
        return of_normal(at, sigma)

    torch.testing.assert_close(found.walk(watched, x, Info({}, b"key")), seen[3], rtol=1e-12, atol=1e-12)
    assert len(last) == 4, "one call a level"
    # What the third step was corrected to is where a fourth one begins.
    further = sampler("unipc", levels=[*sigmas, 0.2 - 1e-9, 0.0])
    last.clear()
    further.walk(watched, x, Info({}, b"key"))
    torch.testing.assert_close(last[4], y / alpha[3], rtol=0, atol=1e-7)


def drawn(method: str, dataset: str = "gaussian_digits(n=1, count=16, reference=64, trained=8)", **more: Any) -> Any:
    data = nb.open_dataset(bind(dataset, "dataset", "generate"))
    item = data.load(0)
    case = TRACK.pose(bind(more.get("regime", "none"), "regime", "generate"), item, more.get("seed", 0))
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    info = case.info.replace(sample=item) if runner.meta["oracle"] else case.info
    from dataclasses import replace

    return call_on(runner, replace(case, info=info), "cpu")[0]


def test_samplers_from_the_same_latents_agree_as_steps_grow() -> None:
    mixture = "mixture_digits(n=1, count=6, reference=64, trained=8)"
    ends = [
        drawn(f"{one}, steps=200)", mixture)["samples"]
        for one in ("heun(model=exact", "dpm_solver_2m(model=exact", "lms(model=exact, order=3")
    ]
    assert np.abs(ends[0] - ends[1]).max() < 0.05 and np.abs(ends[0] - ends[2]).max() < 0.05
    few = drawn("heun(model=exact, steps=8)", mixture)["samples"]
    assert np.abs(few - ends[0]).max() > 0.1


def test_the_flow_of_one_normal_law_ends_at_the_optimum() -> None:
    found = drawn("heun(model=exact(of=gaussian_digits), steps=300, most=1000, least=0.0005)")["samples"]
    np.testing.assert_allclose(found, drawn("bayes_optimum")["samples"], atol=0.01)


def test_ancestral_steps_draw_the_law() -> None:
    """Of N(0.3, 0.5²) by 400 steps: mean and deviation of 20,000 values within 5 errors and the bias of the steps."""
    made = sampler("ddpm", levels=levels("log_uniform", 400, 1e-3, 80.0))
    start = 80 * torch.from_numpy(np.random.default_rng(0).standard_normal((20_000, 1, 1, 1)))
    found = made.walk(of_normal, start, Info({}, b"key"))
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(SPREAD, abs=0.02)


def test_evaluations_are_counted_and_guidance_counts_twice() -> None:
    assert drawn("euler(model=exact(of=gaussian_digits), steps=7)")["evaluations"] == 7
    assert drawn("heun(model=exact(of=gaussian_digits), steps=7)")["evaluations"] == 13
    assert drawn("unipc(model=exact(of=gaussian_digits), steps=7)")["evaluations"] == 7
    labelled = "mixture_digits(n=1, count=6, reference=64, trained=8, labels=true)"
    guided = [
        drawn(f"euler(model=guided(model=exact, weight={w}), steps=5)", labelled)["evaluations"] for w in (0, 1, 3)
    ]
    assert guided == [5, 5, 10]
    assert drawn("identity")["evaluations"] is None and drawn("bayes_optimum")["evaluations"] is None


def test_guidance_by_one_is_the_class_and_by_none_no_class() -> None:
    labelled = "mixture_digits(n=1, count=12, reference=64, trained=8, labels=true)"
    plain = "mixture_digits(n=1, count=12, reference=64, trained=8)"

    def by(weight: float) -> Any:
        return drawn(f"heun(model=guided(model=exact, weight={weight}), steps=6)", labelled)["samples"]

    np.testing.assert_array_equal(by(1), drawn("heun(model=exact, steps=6)", labelled)["samples"])
    np.testing.assert_array_equal(by(0), drawn("heun(model=exact, steps=6)", plain)["samples"])
    with pytest.raises(nb.Skip, match="labels"):
        drawn("heun(model=guided(model=exact), steps=6)", plain)


def test_the_exact_model_is_the_mean_of_the_law_given_the_noisy_picture() -> None:
    """Beside Bayes' rule by scipy, of two components in two dimensions; with a label that of its component alone."""
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    roots = rng.normal(size=(2, 2, 2))
    law = Law(np.array([0.3, 0.7]), rng.normal(size=(2, 2)), roots @ roots.swapaxes(1, 2), (1, 1, 2))
    bound = bind("exact", "method", "generate")
    model = bound.entry.obj(**bound.kwargs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nb, "open_dataset", lambda of: type("Set", (), {"law": law})())
        model.setup("cpu")
    x, sigma = rng.normal(size=(5, 1, 1, 2)), np.array([0.1, 0.5, 1.0, 2.0, 9.0])
    labels = np.array([-1, 0, 1, -1, 1])
    found = model.denoised(*(torch.from_numpy(a) for a in (x, sigma.reshape(-1, 1, 1, 1), labels))).numpy()
    for one, s, label, got in zip(x.reshape(5, 2), sigma, labels, found.reshape(5, 2), strict=True):
        noisy = [c + s**2 * np.eye(2) for c in law.covariances]
        share = np.array([
            w * multivariate_normal(m, c).pdf(one) * (label in (-1, k))
            for k, (w, m, c) in enumerate(zip(law.weights, law.means, noisy, strict=True))
        ])  # fmt: skip
        means = [m + c @ np.linalg.solve(n, one - m) for m, c, n in zip(law.means, law.covariances, noisy, strict=True)]
        np.testing.assert_allclose(got, share @ np.array(means) / share.sum(), rtol=1e-9, atol=1e-9)
