"""What a chain of regimes discloses is what is measured of it, or None."""

from __future__ import annotations

import json
import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.signature import explain_signature
from noisebench.components.catalogue import catalogue
from noisebench.components.decorators import disclosed_by
from noisebench.components.registry import bind, registry
from noisebench.imaging.sample import Sample
from noisebench.planning.cells import regime_key
from noisebench.planning.plan import plan
from noisebench.suite.suite import CostPlan, Suite
from noisebench.tracks.restore.degrade import degrade_sample

LINKS = (
    "gaussian(sigma=12)",
    "gaussian_range(low=12, high=12, disclose=True)",
    "laplace(sigma=10)",
    "uniform(width=40)",
    "mixture(sigmas=(5, 20), weights=(0.8, 0.2))",
    "correlated(sigma=12, radius=1)",
    "stripes(sigma=12)",
    "kair(sigma=12)",
    "restormer(sigma=12)",
    "dncnn_matlab(sigma=12)",
    "swinir(sigma=12)",
    "poisson(peak=60)",
    "poisson_gaussian(peak=60, sigma=8)",
    "sensor(iso=6400, ratio=10)",
    "eld(low=10, high=10, gain=2)",
    "gamma(looks=12)",
    "rayleigh",
    "rician(sigma=8)",
    "salt_pepper(p=0.2)",
    "impulse(p=0.3)",
    "mask(keep=0.5)",
    "checkerboard",
    "kspace(accel=4, sigma=24)",
    "quantize(bits=8)",
    "jpeg(quality=95)",
    "blur(sigma=1)",
    "downsample(scale=2)",
)
LEVELS = np.array([51, 102, 153, 204]) / 255
BAND, WIDTH, BLOCK, EDGE = 224, 160, 8, 16
POWERS = {"sigma": 0, "peak": 1, "speckle": 2}
"""Noise of a strength has a variance that goes with this power of the picture."""
STRENGTHS = {"sigma": lambda s: s * s, "peak": lambda p: 1 / p, "speckle": lambda s: s * s}


def name(spec: str) -> str:
    return spec.partition("(")[0]


def test_every_regime_that_discloses_something_is_a_link() -> None:
    known = registry("regime")
    telling = {n for n in known.names() if known.get(n).obj.__module__.startswith("noisebench.")}
    telling = {n for n in telling if known.get(n).meta["discloses"] and n != "real"}
    assert telling == {name(link) for link in LINKS}


def measured(x: Any, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of `values` (rows, columns) at each level, and its standard error by blocks of rows."""
    rows = len(values) // len(LEVELS)
    edge = EDGE * rows // BAND
    means, errors = [], []
    for band in range(len(LEVELS)):
        inside = values[band * rows + edge : (band + 1) * rows - edge]
        blocks = np.nanmean(inside.reshape(len(inside) // BLOCK, -1), axis=1)
        means.append(blocks.mean())
        errors.append(blocks.std(ddof=1) / math.sqrt(len(blocks)))
    return np.array(means), np.maximum(errors, 1e-9)


def fitted(design: np.ndarray, means: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the weighted least squares, and their standard errors."""
    covariance = np.linalg.inv((design.T / errors**2) @ design)
    return covariance @ (design.T / errors**2) @ means, np.sqrt(np.diag(covariance))


REPLACED = {"salt_pepper": (1, 1 / 2, 1 / 2), "impulse": (1, 1 / 2, 1 / 3)}
"""Regimes that replace values, of which `p` is the share: the moments of order 0, 1, 2 of what they put there."""
MAGNITUDES = {"rician": 2}
"""Regimes of a magnitude, whose square alone has a simple mean: the picture's, and so many times sigma²."""


def contradictions(spec: str) -> list[str]:
    """What a chain of two regimes discloses of sigma, peak, looks, speckle and p, and what is measured instead."""
    clean = np.repeat(np.rint(LEVELS * 255).astype(np.uint8), BAND)[:, None].repeat(WIDTH, axis=1)
    noisy, info = degrade_sample(bind(spec, "regime"), Sample("bands", clean))
    disclosed = {n: info.disclosed()[n] for n in (*POWERS, "p", "looks") if n in info}
    if not disclosed:
        return []
    names = [name(part) for part in spec.split(" + ")]
    y = noisy[:, :, 0].astype(np.float64)
    if info.mask is not None:
        y = np.where(info.mask == 1, y, np.nan)
    x = np.repeat(LEVELS, len(y) // len(LEVELS))[:, None]
    p = info.p or 0.0
    magnitude = next((MAGNITUDES[n] for n in names if n in MAGNITUDES), None)
    wrong = []
    if "p" in disclosed and magnitude is None:
        slope, error = fitted(np.stack([LEVELS, np.ones(4)], 1), *measured(x, y))
        if abs(1 - slope[0] - p) > 6 * error[0] + 1e-4:
            wrong.append(f"p {p:.4f}, measured {1 - slope[0]:.4f} ± {error[0]:.4f}")
    replaced = [n for n in names if n in REPLACED]
    drawn = [n for n in POWERS if any(n in registry("regime").get(part).meta["discloses"] for part in names)]
    if not drawn or len(replaced) == 2:
        return wrong
    moment = REPLACED[replaced[0]] if replaced else (0, 0, 0)
    noisy_afterwards = p if replaced == names[:1] else 0.0
    if magnitude:
        means, errors = measured(x, y * y)
        means = means - (1 - p) * LEVELS**2 - p * moment[2]
    else:
        means, errors = measured(x, (y - x) ** 2)
        means = means - p * (moment[2] - 2 * LEVELS * moment[1] + LEVELS**2)
    times = {"sigma": magnitude or 1}
    columns = [
        times.get(n, 1) * ((1 - p) * LEVELS ** POWERS[n] + noisy_afterwards * moment[POWERS[n]] * np.ones(4))
        for n in drawn
    ]
    strengths, error = fitted(np.stack(columns, axis=1), means, errors)
    for n, value, off in zip(drawn, strengths, error, strict=True):
        expected = [STRENGTHS[n](disclosed[n])] if n in disclosed else []
        expected += [1 / disclosed["looks"]] if n == "speckle" and "looks" in disclosed else []
        wrong += [
            f"{n} {disclosed.get(n)}: {e:.6f}, measured {value:.6f} ± {off:.6f}"
            for e in expected
            if abs(value - e) > 6 * off + 1e-5
        ]
    return wrong


@pytest.mark.parametrize("first", LINKS)
def test_what_two_regimes_disclose_is_what_is_measured_or_none(first: str) -> None:
    chains = {f"{first} + {second}": contradictions(f"{first} + {second}") for second in LINKS}
    assert {chain: wrong for chain, wrong in chains.items() if wrong} == {}


def told(spec: str) -> dict[str, Any]:
    """What is disclosed with a value, picture size and depth apart."""
    info = nb.degrade(spec, np.full((16, 16), 100, np.uint8))[1].disclosed()
    return {n: value for n, value in info.items() if value is not None and n not in ("shape", "bit_depth")}


@pytest.mark.parametrize(
    "spec, sum_of_both",
    [
        ("gaussian(sigma=30.6) + uniform(width=141.32138)", {"sigma": 0.2}),
        ("sensor(iso=6400, read=0, row=0) + gaussian(sigma=25.5)", {"sigma": 0.1}),
        ("poisson(peak=30) + poisson(peak=30)", {"peak": 15}),
        ("poisson(peak=30) + sensor(iso=5000, ratio=50)", {"peak": 12}),
        ("gamma(looks=4) + gamma(looks=1)", {"looks": 1 / 1.5, "speckle": math.sqrt(1.5)}),
        ("rayleigh + rayleigh", {"speckle": math.sqrt((4 / math.pi) ** 2 - 1)}),
        ("salt_pepper(p=0.2) + impulse(p=0.5)", {"p": 0.6}),
        ("downsample(scale=2) + jpeg(quality=50) + downsample(scale=3)", {"scale": 6}),
    ],
)
def test_values_of_a_chain_add_up(spec: str, sum_of_both: dict[str, float]) -> None:
    found = told(spec)
    assert {n: found.get(n) for n in sum_of_both} == pytest.approx(sum_of_both, rel=1e-4)


def test_one_kind_of_noise_after_another_discloses_both() -> None:
    assert told("gamma(looks=4) + poisson(peak=30) + gaussian(sigma=25.5)") == pytest.approx(
        {"looks": 4, "speckle": 0.5, "peak": 30, "sigma": 0.1}
    )


@pytest.mark.parametrize("noise", ["gaussian(sigma=25)", "poisson(peak=30)", "gamma(looks=4)", "rician(sigma=20)"])
@pytest.mark.parametrize(
    "step", ["jpeg(quality=10)", "quantize(bits=8)", "blur(sigma=1)", "downsample(scale=2)", "rician(sigma=5)"]
)
def test_no_strength_is_disclosed_after_a_step_that_changes_it(noise: str, step: str) -> None:
    known = {"jpeg": {"quality"}, "blur": {"kernel", "boundary"}, "downsample": {"scale"}, "rician": {"sigma"}}
    known["rician"] = set() if "sigma" in noise else known["rician"]
    assert set(told(f"{noise} + {step}")) == known.get(name(step), set())


@pytest.mark.parametrize("how", ["clip=True", "bits=3", "clip=True, bits=8"])
def test_noise_that_was_clipped_or_rounded_adds_up_to_nothing_known(how: str) -> None:
    assert told(f"gaussian(sigma=25.5, {how})") == pytest.approx({"sigma": 0.1})
    assert told(f"gaussian(sigma=25.5, {how}) + gaussian(sigma=5)") == {}
    assert told(f"gaussian(sigma=25.5, {how}) + poisson(peak=30)") == {"peak": 30}
    assert told(f"poisson(peak=30, {how}) + gaussian(sigma=25.5)") == pytest.approx({"sigma": 0.1})


def test_clipping_at_the_end_discloses_the_strength_before_it() -> None:
    assert told("gaussian(sigma=3) + gaussian(sigma=4, clip=True, bits=8)") == pytest.approx({"sigma": 5 / 255})


def test_what_was_replaced_is_still_known_after_noise_and_rounding() -> None:
    assert told("salt_pepper(p=0.2) + gaussian(sigma=5) + quantize(bits=8)") == {"p": 0.2}


def test_a_real_picture_has_noise_that_nobody_knows() -> None:
    picture = np.full((8, 8), 100, np.uint8)
    _, info = degrade_sample(bind("real + gaussian(sigma=5)", "regime"), Sample("a", picture, picture))
    assert info.sigma is None


@pytest.mark.parametrize(
    "between", ["mask(keep=0.5)", "jpeg(quality=50)", "downsample(scale=2)", "poisson(peak=30)", "quantize(bits=4)"]
)
def test_kernels_add_up_only_where_nothing_but_noise_was_added_between(between: str) -> None:
    assert told("blur(sigma=1) + gaussian(sigma=5) + blur(sigma=1)")["kernel"].shape == (17, 17)
    assert "kernel" in told(f"blur(sigma=1) + {between}")
    assert "kernel" not in told(f"blur(sigma=1) + {between} + blur(sigma=1)")


def test_a_boundary_is_known_where_all_blurs_have_the_same() -> None:
    assert told("blur(sigma=1, boundary=circular) + blur(sigma=1, boundary=circular)")["boundary"] == "circular"
    assert "boundary" not in told("blur(sigma=1, boundary=circular) + blur(sigma=1)")


def test_a_new_regime_that_declares_nothing_leaves_nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry("regime"), "_entries", dict(registry("regime")._entries))

    @nb.regime("wobble", discloses=("period",))
    def wobble(x: Any, rng: Any) -> Any:
        return x + 0.1, {"period": 8.0}

    assert told("gaussian(sigma=5) + wobble") == {"period": 8.0}
    assert told("wobble + gaussian(sigma=25.5)") == pytest.approx({"period": 8.0, "sigma": 0.1})
    assert told("wobble + wobble") == told("wobble + jpeg(quality=50) + wobble") == {}


def test_a_new_regime_says_itself_what_stays_true_and_how_its_value_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry("regime"), "_entries", dict(registry("regime")._entries))

    def louder(earlier: float, later: float) -> float:
        return max(earlier, later)

    @nb.regime(
        "hiss", discloses=("loudness",), keeps=("sigma", "loudness"), adds_up={"loudness": louder}, cuts=("hard",)
    )
    def hiss(x: Any, rng: Any, *, loudness: float, hard: bool = False) -> Any:
        return x, {"loudness": loudness}

    assert told("gaussian(sigma=25.5) + poisson(peak=30) + hiss(loudness=1)") == {"loudness": 1}
    assert told("poisson(peak=30) + gaussian(sigma=25.5) + hiss(loudness=1)") == pytest.approx(
        {"loudness": 1, "sigma": 0.1}
    )
    assert told("gaussian(sigma=25.5) + hiss(loudness=3) + gaussian(sigma=5) + hiss(loudness=2)")["loudness"] == 3
    assert told("hiss(loudness=3, hard=True) + hiss(loudness=2)") == {}


def test_the_list_of_regimes_says_what_a_regime_keeps_and_adds_up() -> None:
    listed = {e["name"]: e["meta"] for e in catalogue("regime", "restore", ())}
    assert (listed["gaussian"]["keeps"], listed["gaussian"]["adds_up"]) == (["*"], ["sigma"])
    assert listed["blur"]["adds_up"] == ["kernel", "boundary"]
    assert json.loads(json.dumps(listed)) == listed


def test_a_sum_has_another_key_than_before_its_values_added_up_and_a_single_regime_has_not() -> None:
    single, both = (bind(spec, "regime") for spec in ("kair(sigma=25)", "kair(sigma=25) + jpeg(quality=10)"))
    assert regime_key(single) == {"spec": "kair(sigma=25.0)", "versions": {"kair": 1}}
    assert regime_key(both)["sum"] == 2


def test_a_signature_and_a_plan_know_what_a_sum_discloses() -> None:
    assert disclosed_by(bind("gaussian(sigma=25) + poisson(peak=30)", "regime")) == {"peak"}
    assert disclosed_by(bind("poisson(peak=30) + gaussian(sigma=25)", "regime")) == {"peak", "sigma"}
    said = explain_signature("psnr|uint8@1|gaussian(sigma=25) + jpeg(quality=10)@1+1|photos:3f9c|seed 0|noisebench 0.1")
    (regime,) = (part for part in said["parts"] if part["part"] == "regime")
    assert "Discloses bit_depth, quality." in regime["meaning"]


def test_a_cost_is_measured_under_a_sum_only_where_it_discloses_what_the_method_needs() -> None:
    spoilt = "gaussian(sigma=25) + jpeg(quality=10)"
    suite = Suite(methods=("ffdnet",), regimes=(spoilt,), cost=CostPlan(((16, 16),), 1))
    (cost,) = (cell for cell in plan(suite) if cell.kind == "cost")
    assert cost.regime.spec == bind("gaussian(sigma=25)", "regime").canonical


def test_a_declaration_that_regimes_do_not_know_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="keeps"):
        nb.regime("typo", keep=("sigma",))
