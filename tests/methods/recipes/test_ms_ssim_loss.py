"""Losses of structural similarity: the metric where it is defined, fewer scales below, gradients everywhere."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.losses._scales import coarse_error, scales_of, similarity


def loss(spec: str, output: Any, wanted: Any) -> Any:
    made = bind(spec, "loss")
    return made.entry.obj(output, wanted, **made.kwargs)


def picture(*shape: int) -> torch.Tensor:
    """Smooth pictures on [0, 1]."""
    noise = torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2)


def noisy(clean: torch.Tensor, sd: float = 0.1) -> torch.Tensor:
    return clean + sd * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1), dtype=clean.dtype)


@pytest.mark.parametrize("sides", [(161, 170), (192, 208), (177, 163)])
def test_from_161_pixels_on_it_is_the_metric_of_each_picture_and_channel(sides: tuple[int, int]) -> None:
    clean = picture(2, 3, *sides)
    given = noisy(clean)
    pairs = [[p.permute(1, 2, 0).numpy() for p in pair] for pair in zip(given, clean, strict=True)]
    due = np.mean([nb.score(x, y, "ms_ssim", "raw")["ms_ssim"] for x, y in pairs])
    assert float(loss("ms_ssim", given, clean)) == pytest.approx(1 - due, abs=1e-8)


def test_it_is_that_of_another_library() -> None:
    other = pytest.importorskip("pytorch_msssim")
    clean = picture(2, 1, 192, 176)
    due = other.ms_ssim(noisy(clean), clean, data_range=1.0)
    assert float(loss("ms_ssim", noisy(clean), clean)) == pytest.approx(1 - float(due), abs=5e-6)


@pytest.mark.parametrize(
    ("side", "due"),
    [
        (8, (1, 7)),
        (11, (1, 11)),
        (20, (1, 11)),
        (21, (2, 11)),
        (40, (2, 11)),
        (41, (3, 11)),
        (81, (4, 11)),
        (161, (5, 11)),
    ],
)
def test_as_many_scales_as_have_room_for_the_window(side: int, due: tuple[int, int]) -> None:
    assert scales_of(torch.zeros(1, 1, side, 200)) == scales_of(torch.zeros(1, 1, 200, side)) == due


def test_with_room_for_one_scale_it_is_ssim() -> None:
    clean = picture(1, 1, 18, 20)
    due = nb.score(noisy(clean)[0, 0].numpy(), clean[0, 0].numpy(), "ssim", "raw")["ssim"]
    # The weights of all five sum to 1.0001, as published.
    assert float(1 - loss("ms_ssim", noisy(clean), clean)) == pytest.approx(due**1.0001, abs=1e-8)


def test_equal_pictures_have_one_and_sides_may_be_swapped() -> None:
    clean = picture(2, 3, 48, 50)
    torch.testing.assert_close(similarity(clean, clean), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(similarity(clean, noisy(clean)), similarity(noisy(clean), clean))


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (1, 3, 8, 9), (2, 2, 40, 48)])
@pytest.mark.parametrize("spec", ["ms_ssim", "ms_ssim_l1"])
def test_gradients_are_finite_where_structure_is_the_opposite(spec: str, shape: tuple[int, ...]) -> None:
    clean = picture(*shape).float()
    output = (1 - clean).requires_grad_()
    loss(spec, output, clean).backward()
    assert output.grad is not None and output.grad.isfinite().all()


def test_the_mixture_weighs_ms_ssim_and_l1_under_the_coarsest_window() -> None:
    clean = picture(1, 1, 44, 44)
    shifted = clean + 0.1
    assert float(coarse_error(shifted, clean)) == pytest.approx(0.1, abs=1e-12)
    due = 0.84 * float(loss("ms_ssim", shifted, clean)) + 0.16 * 0.1
    assert float(loss("ms_ssim_l1", shifted, clean)) == pytest.approx(due, abs=1e-12)
    assert float(loss("ms_ssim_l1(alpha=0.0)", shifted, clean)) == pytest.approx(0.1, abs=1e-12)
    spot = torch.zeros(1, 1, 11, 11, dtype=torch.float64)
    spot[..., 5, 5] = 1.0
    taps = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / 4.5)
    assert float(coarse_error(spot, 0 * spot)) == pytest.approx(float((taps[5] / taps.sum()) ** 2), abs=1e-8)


def test_mixed_precision_does_not_reach_variances() -> None:
    clean = picture(1, 1, 44, 44).float()
    whole = loss("ms_ssim_l1", noisy(clean), clean)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss("ms_ssim_l1", noisy(clean), clean), whole)


def test_an_autoencoder_takes_any_sides_and_passes_only_its_code() -> None:
    made = bind("autoencoder(width=4, depth=3, code=2)", "arch")
    net = made.entry.obj((3, 16, 16), (3, 32, 32), **made.kwargs)
    assert net(torch.rand(2, 3, 13, 18)).shape == (2, 3, 26, 36)
    assert net.encoder(torch.rand(1, 3, 16, 24)).shape == (1, 2, 2, 3)


def measured(metric: str, restored: Any, clean: Any) -> Any:
    (value,) = nb.score(restored, clean, metric, "raw").values()
    return value


def test_mean_shift_is_the_drift_of_brightness_in_grey_levels() -> None:
    clean = picture(1, 3, 20, 20)[0].permute(1, 2, 0).numpy()
    assert measured("mean_shift", clean - 2 / 255, clean) == pytest.approx(2, abs=1e-9)
    assert measured("mean_shift", 1.5 * (clean - clean.mean()) + clean.mean(), clean) == pytest.approx(0, abs=1e-9)


def test_local_contrast_is_the_ratio_of_local_deviations() -> None:
    clean = picture(1, 3, 24, 20)[0].permute(1, 2, 0).numpy()
    assert measured("local_contrast", 0.5 * clean + 0.3, clean) == pytest.approx(0.5, abs=1e-9)
    flat = measured("local_contrast", clean, np.full_like(clean, 0.5))
    assert flat.reason.startswith("local_contrast ") and flat.reason.endswith(" flat")
    assert measured("local_contrast", clean[:10], clean[:10]).reason.startswith("local_contrast needs at least 11×11")
