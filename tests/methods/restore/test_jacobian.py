"""What a denoiser does near one picture: its Jacobian, the basis it shrinks in, and how far two of them are apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.methods.restore import _jacobian
from noisebench.methods.restore._jacobian import Linearised
from noisebench.track.info import Info

SIDE = 6
RNG = np.random.default_rng(0)
BASIS = np.linalg.qr(RNG.standard_normal((SIDE**2, SIDE**2)))[0].T
FACTORS = np.linspace(1, 0, SIDE**2) ** 3
SYMMETRIC = torch.from_numpy(BASIS.T @ (FACTORS[:, None] * BASIS))
CLEAN = RNG.uniform(0.2, 0.8, (SIDE, SIDE, 1)).astype(np.float32)
NOISY = CLEAN + 0.1 * RNG.standard_normal(CLEAN.shape).astype(np.float32)


def times(matrix: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    return (matrix.to(picture) @ picture.flatten()).reshape(picture.shape)


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """Denoisers whose Jacobian is known, forgotten again after."""

    nets = {bias: net(bias, torch.float32) for bias in (0.0, 0.1)}

    @nb.method("j_linear")
    def j_linear(noisy: Any, info: Any) -> Any:
        with torch.no_grad():
            return times(SYMMETRIC, noisy)

    @nb.method("j_relu")
    def j_relu(noisy: Any, info: Any, *, bias: float = 0.0) -> Any:
        return nets[bias](noisy)

    @nb.method("j_blur")
    def j_blur(noisy: Any, info: Any) -> Any:
        ring = torch.nn.functional.pad(noisy, [1] * 4, mode="circular")
        return torch.nn.functional.avg_pool2d(ring, 3, 1)

    @nb.method("j_constant")
    def j_constant(noisy: Any, info: Any) -> Any:
        return torch.full_like(noisy, 0.5)

    @nb.method("j_numpy", layout="hwc")
    def j_numpy(noisy: Any, info: Any) -> Any:
        return noisy * 0.5

    yield
    for name in ("j_linear", "j_relu", "j_blur", "j_constant", "j_numpy"):
        del registry("method")._entries[name]


def net(bias: float, dtype: torch.dtype) -> torch.nn.Module:
    """Three convolutions with ReLU between them, all constants being `bias`."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(a, b, 3, padding=1) for a, b in ((1, 8), (8, 8), (8, 1))]
    for layer in layers:
        torch.nn.init.constant_(layer.bias, bias)
    made = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    return made.to(dtype).requires_grad_(False)


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def restored(spec: str, noisy: Any = NOISY, **info: Any) -> Any:
    one = nb.Restorer(bind(spec, "method"))
    one.setup("cpu")
    return one.restore(noisy, Info({"sample": nb.Sample("a", CLEAN), **info}), noisy.shape)


def score(restored: Any, metric: str, noisy: Any = NOISY) -> float:
    (value,) = nb.score(restored, CLEAN, metric, "raw", noisy=noisy).values()
    return value


@pytest.mark.parametrize("whole", [1000, 0])
def test_a_linear_denoiser_has_the_factors_and_the_basis_it_was_made_of(
    whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_jacobian, "_WHOLE", whole)  # by the whole matrix, and by Lanczos
    near = Linearised(lambda y: times(SYMMETRIC, y), picture(1, 1, SIDE, SIDE), "it")
    factors, vectors = near.leading(4, np.random.default_rng(0))
    assert factors == pytest.approx(FACTORS[:4], abs=1e-6)
    assert np.abs(vectors @ BASIS[:4].T) == pytest.approx(np.eye(4), abs=2e-3)
    assert (vectors @ near.at.detach().numpy().ravel() >= 0).all()


def test_products_are_those_of_the_matrix_and_its_transpose() -> None:
    matrix = torch.from_numpy(RNG.standard_normal((SIDE**2, SIDE**2)))
    near = Linearised(lambda y: times(matrix, y), picture(1, 1, SIDE, SIDE), "it")
    v = picture(1, 1, SIDE, SIDE)
    torch.testing.assert_close(near.push(v), times(matrix, v))
    torch.testing.assert_close(near.pull(v), times(matrix.T, v))
    np.testing.assert_allclose(near.matrix(), matrix.numpy())


@pytest.mark.parametrize(("bias", "homogeneous"), [(0.0, True), (0.1, False)])
def test_a_relu_network_is_its_linear_part_where_it_has_no_constants(bias: float, homogeneous: bool) -> None:
    y = picture(1, 1, 11, 14)
    near = Linearised(net(bias, torch.float64), y, "it")
    error = float((near.output - near.push(y)).detach().norm() / near.output.detach().norm())
    assert (error < 1e-12) if homogeneous else (error > 0.05)


def test_the_distance_to_the_linear_part_is_a_row() -> None:
    exact = "difference(method=j_relu, other=jacobian(method=j_relu))"
    off = "difference(method=j_relu(bias=0.1), other=jacobian(method=j_relu(bias=0.1)))"
    assert score(restored(exact), "nrmse") < 1e-6
    expected = restored("j_relu(bias=0.1)") - restored("jacobian(method=j_relu(bias=0.1))")
    norm = np.linalg.norm(expected) / np.linalg.norm(CLEAN)
    assert score(restored(off), "nrmse") == pytest.approx(float(norm), rel=1e-4)
    assert norm > 0.05


def test_the_kept_vectors_carry_what_they_carry_and_all_of_them_everything() -> None:
    flat = NOISY.ravel().astype(np.float64)
    three = ((FACTORS[:3] * (BASIS[:3] @ flat)) @ BASIS[:3]).reshape(NOISY.shape)
    np.testing.assert_allclose(restored("jacobian(method=j_linear, keep=3)"), three, atol=1e-5)
    np.testing.assert_allclose(restored("jacobian(method=j_linear, keep=100)"), restored("j_linear"), atol=1e-5)


def test_a_symmetric_denoiser_is_not_apart_from_its_transpose() -> None:
    same = "difference(method=jacobian(method=j_linear), other=jacobian(method=j_linear, transposed=true))"
    assert score(restored(same), "nrmse") < 1e-6
    other = same.replace("j_linear", "j_relu")
    assert score(restored(other), "nrmse") > 0.01


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_basis_vector_is_shown_as_strong_as_its_factor(number: int) -> None:
    shown = restored(f"basis_vector(method=j_linear, number={number})")
    assert score(shown, "contrast") == pytest.approx(FACTORS[number - 1], abs=1e-5)
    vector = (shown - 0.5).ravel()
    assert abs(vector @ BASIS[number - 1]) / np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_basis_vector_is_as_large_as_the_picture_in_colour_too() -> None:
    colour = np.repeat(NOISY, 3, axis=2)[:5]
    assert restored("basis_vector(method=j_blur)", colour).shape == colour.shape
    assert restored("jacobian(method=j_blur, keep=2)", colour).shape == colour.shape


def test_the_mean_shrinkage_factor_is_the_trace_of_the_jacobian_over_the_pixels() -> None:
    clean = np.random.default_rng(3).uniform(0.2, 0.8, (200, 200, 1)).astype(np.float32)
    noisy = clean + 0.1 * np.random.default_rng(4).standard_normal(clean.shape).astype(np.float32)
    (value,) = nb.score(restored("j_blur", noisy), clean, "shrinkage", "raw", noisy=noisy).values()
    assert value == pytest.approx(1 / 9, abs=0.02)
    assert score(NOISY, "shrinkage") == pytest.approx(1, abs=1e-5)
    assert score(CLEAN, "shrinkage") == pytest.approx(0, abs=1e-5)
    assert isinstance(score(CLEAN, "shrinkage", noisy=CLEAN), nb.NotDefined)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("jacobian(method=j_numpy)", "takes numpy arrays"),
        ("basis_vector(method=j_constant)", "cannot be differentiated: its result"),
        ("basis_vector(method=j_linear, number=37)", "has no basis vector 37"),
    ],
)
def test_what_has_no_jacobian_is_skipped(spec: str, why: str) -> None:
    with pytest.raises(nb.Skip, match=why):
        restored(spec)


@pytest.mark.parametrize("name", ["jacobian", "basis_vector"])
def test_a_method_that_knows_the_picture_is_refused(name: str) -> None:
    with pytest.raises(nb.UsageError, match="cannot wrap oracle"):
        bind(f"{name}(method=oracle)", "method").entry.obj(method=bind("oracle", "method"))


# ---- twins


def test_the_closest_picture_of_a_set_is_found_turned_and_mirrored() -> None:
    found = nb.open_dataset(bind("discs(n=5, size=16)", "dataset")).load(3).clean
    turned = np.rot90(found).copy()[:, ::-1, None]
    noisy = np.ascontiguousarray(turned + 0.05 * np.random.default_rng(0).standard_normal(turned.shape), np.float32)
    np.testing.assert_array_equal(restored("closest(data='discs(n=5, size=16)')", noisy), turned)
    with pytest.raises(nb.Skip, match="another size"):
        restored("closest(data='discs(n=5, size=16)')")


def squares(**how: Any) -> Any:
    told = ", ".join(f"{name}={value}" for name, value in how.items())
    return nb.open_dataset(bind(f"patches(of=photos, {told})", "dataset"))


def test_shares_have_no_picture_in_common_and_miss_none() -> None:
    shares = [{squares(n=20, share=share).load(i).group for i in range(20)} for share in range(3)]
    assert sum(map(len, shares)) == len(set.union(*shares)) == 12


def test_fewer_squares_are_the_first_of_more_and_validation_has_pictures_of_its_own() -> None:
    few, more = squares(n=3, validated=2), squares(n=9, validated=2)
    assert list(few.ids[:3]) == list(more.ids[:3])
    assert list(few.ids[3:]) == list(more.ids[9:])
    assert list(more.kept_apart) == [9, 10]
    trained = {more.load(i).group for i in range(9)}
    assert trained.isdisjoint(more.load(i).group for i in more.kept_apart)
    assert more.load(4).clean.shape[:2] == (16, 16)


def test_a_square_is_cut_out_of_its_picture() -> None:
    square = squares(n=1).load(0)
    photos = nb.open_dataset(bind("photos", "dataset"))
    whole = photos.load(list(photos.ids).index(square.group)).clean
    windows = np.lib.stride_tricks.sliding_window_view(whole, (16, 16), axis=(0, 1))
    wanted = square.clean if square.clean.ndim == 2 else np.moveaxis(square.clean, 2, 0)
    assert (windows == wanted).all(axis=tuple(range(2, windows.ndim))).any()


def test_a_square_of_one_value_is_drawn_again(tmp_path: Any) -> None:
    """Half of the picture is white: no square lies in it as a whole, so that two shares never have the same one."""
    picture = np.full((64, 64), 255, np.uint8)
    picture[:, 40:] = np.arange(24)
    nb.write_picture(tmp_path / "half.png", picture)
    found = nb.open_dataset(bind(f"patches(of=folder(path='{tmp_path}'), n=40, shares=1)", "dataset"))
    assert all(found.load(i).clean.std() > 0 for i in range(40))


def test_too_many_shares_and_too_large_squares_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="count from 0"):
        squares(share=3)
    with pytest.raises(nb.UsageError, match="too few for 100 shares"):
        squares(share=50, shares=100)
    with pytest.raises(nb.UsageError, match="give a smaller size"):
        squares(size=512).load(0)


# ---- pictures with a known optimum


def test_discs_have_two_levels_and_their_edge_in_meta() -> None:
    sets = nb.open_dataset(bind("discs(n=20)", "dataset"))
    for i in range(20):
        sample = sets.load(i)
        levels = np.unique(sample.clean)
        assert len(levels) == 2 and levels[1] - levels[0] >= 0.2 - 1e-6 and levels[0] >= 0.1 and levels[1] <= 0.9
        assert all(np.ptp(sample.clean[sample.meta["labels"] == label]) == 0 for label in (0, 1))


def test_with_the_edge_known_two_means_are_left_to_find() -> None:
    result = nb.evaluate("bayes_optimum", "discs(n=20)", "gaussian(sigma=50)", metrics=("mse",), protocol="raw")
    mean = np.mean([row["mse"] for row in result.rows])
    assert mean == pytest.approx(2 * (50 / 255) ** 2 / 32**2, rel=0.4)


@pytest.mark.parametrize("alpha", [1, 2])
def test_parts_and_contours_are_as_regular_as_said(alpha: int) -> None:
    from noisebench.datasets.restore.c_alpha import _smooth

    line = np.mean([np.abs(np.fft.rfft(_smooth(np.random.default_rng(i), (256,), alpha))) ** 2 for i in range(50)], 0)
    slope = np.polyfit(np.log(np.arange(2, 60)), np.log(line[2:60]), 1)[0]
    assert slope == pytest.approx(-(2 * alpha + 1), abs=0.2)


def test_rougher_pictures_are_less_smooth_within_a_part() -> None:
    def roughness(alpha: float) -> float:
        sets = nb.open_dataset(bind(f"c_alpha(n=20, alpha={alpha})", "dataset"))
        return float(np.mean([np.median(np.abs(np.diff(sets.load(i).clean, axis=0))) for i in range(20)]))

    assert roughness(1.0) > 1.5 * roughness(2.0) > 1.5 * roughness(4.0)
    assert nb.open_dataset(bind("c_alpha(n=2, seed=1)", "dataset")).load(0).clean.max() <= 1
