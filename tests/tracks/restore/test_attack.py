"""Robustness to the worst small change of the input: exact for the identity, skipped where torch has no gradient."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind, bind_all, registry
from noisebench.imaging.sample import Sample
from noisebench.suite.study import Axis, read_study
from noisebench.suite.suite import named_suites
from noisebench.testing import throwaway
from noisebench.text.errors import Skip, UsageError
from noisebench.track.info import Info
from noisebench.tracks.restore.restorer import Restorer

RADIUS = 4 / 255
CLEAN = np.random.default_rng(1).uniform(0.2, 0.8, (24, 20, 3)).astype(np.float32)
NOISE = 0.1 * np.random.default_rng(0).normal(size=CLEAN.shape).astype(np.float32)
NOISY = CLEAN + NOISE


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """Methods of which the worst change is known, forgotten again after."""

    @nb.method("same", needs=("sigma",))
    def same(noisy: Any, info: Any) -> Any:
        import torch

        assert info.sample is None, "only the attacker sees the clean picture"
        with torch.no_grad():
            noisy -= 0.0
            return noisy

    @nb.method("blurred")
    def blurred(noisy: Any, info: Any) -> Any:
        import torch

        with torch.inference_mode():
            return torch.nn.functional.avg_pool2d(noisy, 3, 1, 1) + 0.0 * torch.rand(1, generator=info.generator)

    @nb.method("detached")
    def detached(noisy: Any, info: Any) -> Any:
        return noisy.detach()

    yield
    for name in ("same", "blurred", "detached"):
        del registry("method")._entries[name]


def restore(spec: str, **info: Any) -> np.ndarray:
    one = Restorer(bind(spec, "method"))
    one.setup("cpu")
    return one.restore(NOISY, Info({"sigma": 0.1, "sample": Sample("a", CLEAN), **info}))


def test_every_value_of_the_identity_moves_away_from_the_truth_by_the_radius() -> None:
    found = restore("attacked(method=same, radius=4.0)")
    np.testing.assert_allclose(found, NOISY + RADIUS * np.sign(NOISE), atol=1e-6)


def test_within_a_root_mean_square_the_error_of_the_identity_grows_by_just_that() -> None:
    found = restore("attacked(method=same, radius=4.0, norm=l2)")
    length = np.sqrt(np.mean(NOISE**2))
    np.testing.assert_allclose(found, NOISY + RADIUS * NOISE / length, atol=1e-6)
    assert np.sqrt(np.mean((found - CLEAN) ** 2)) == pytest.approx(length + RADIUS, rel=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_error_grows_with_radius_and_radius_zero_is_the_method(norm: str) -> None:
    errors = [
        float(np.mean((restore(f"attacked(method=blurred, radius={r}, norm={norm}, steps=5)") - CLEAN) ** 2))
        for r in (0.0, 1.0, 2.0, 4.0)
    ]
    assert errors == sorted(errors) and len(set(errors)) == 4
    assert np.array_equal(restore("attacked(method=blurred, radius=0.0)"), restore("blurred"))
    assert np.array_equal(*(restore(f"attacked(method=blurred, norm={norm})") for _ in range(2)))


def test_what_cannot_be_attacked_is_skipped_with_its_reason() -> None:
    with pytest.raises(Skip, match="median cannot be differentiated: it takes numpy arrays"):
        restore("attacked(method=median)")
    with pytest.raises(Skip, match="detached cannot be differentiated: its result"):
        restore("attacked(method=detached)")
    with pytest.raises(Skip, match="needs sigma"):
        restore("attacked(method=same)", sigma=None)
    with pytest.raises(Skip, match="needs the clean picture"):
        restore("attacked(method=same)", sample=None)
    with pytest.raises(UsageError, match="attacked cannot wrap oracle"):
        bind("attacked(method=oracle)", "method").entry.obj(method=bind("oracle", "method"))


def test_torch_is_as_it_was_afterwards() -> None:
    import torch

    before = torch.no_grad, torch.inference_mode
    restore("attacked(method=blurred)")
    assert (torch.no_grad, torch.inference_mode) == before and torch.is_grad_enabled()


NET = """
import noisebench as nb

@nb.method("soft")
def soft(noisy, info):
    return 0.5 * noisy + 0.25
"""


def test_a_study_draws_quality_against_the_radius(cli, tmp_path) -> None:
    suite = 'suite: a\nmethods: ["attacked(method={soft,median}, radius={0.0,4.0})"]\n' + (
        'datasets: ["gaussian_field(n=1, size=16)"]\nregimes: [gaussian(sigma=25)]\nstudy: [{x: attacked.radius}]\n'
    )
    throwaway(tmp_path, suite, soft=NET)
    done = cli("study", "suite.yaml", "--plugin", "soft.py")
    (curve,) = json.loads((tmp_path / "study" / "study.json").read_text())["charts"][0]["curves"]
    assert curve["label"] == "attacked(method=soft)" and [p["x"] for p in curve["points"]] == [0, 4]
    assert curve["points"][0]["y"] > curve["points"][1]["y"]
    assert "median cannot be differentiated: it takes numpy arrays" in done.stderr


def test_the_builtin_study_attacks_the_networks() -> None:
    suite, axes = read_study(named_suites()["attacked"])
    assert axes == (Axis("attacked.radius"),)
    bound = bind_all(suite.methods, "method")
    assert [m.kwargs["radius"] for m in bound] == [0.0, 1.0, 2.0, 4.0] * 3
