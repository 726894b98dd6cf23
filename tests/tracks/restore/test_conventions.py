"""One pair under every usual convention: each against the library that uses it, where that is installed."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.cli import main
from noisebench.cli.explain import grouped
from noisebench.tracks.restore.conventions import ANY, explain_pairs, gives


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads of torch on a busy machine are slower than one."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pair(height: int = 40, width: int = 53, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.standard_normal((height, width, channels)), axis=0)
    clean = (255 * (walk - walk.min()) / np.ptp(walk)).astype(np.uint8)
    restored = np.clip(np.rint(clean + rng.normal(0, 12, clean.shape)), 0, 255).astype(np.uint8)
    return restored, clean


def values(restored: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    return {row["name"]: row["value"] for row in explain_pairs([(restored, clean)])}


# ---- against this harness


@pytest.mark.parametrize("channels", [1, 3])
def test_our_own_protocols_are_among_them(channels: int) -> None:
    restored, clean = pair(channels=channels)
    found = values(restored, clean)
    assert found["psnr uint8"] == pytest.approx(nb.psnr(restored, clean), abs=1e-10)
    assert found["psnr raw"] == pytest.approx(nb.psnr(restored, clean, protocol="raw"), abs=1e-10)
    assert found["ssim"] == pytest.approx(nb.ssim(restored, clean), abs=1e-6)
    if channels == 3:
        for border, name in ((0, "psnr y"), (2, "psnr y border 2"), (3, "psnr y border 3"), (4, "psnr y border 4")):
            assert found[name] == pytest.approx(nb.psnr(restored, clean, protocol=f"y8(border={border})"), abs=1e-10)
            protocol = f"y8(border={border}, rounded=True)"
            for metric in ("psnr", "ssim"):
                rounded = name.replace("psnr y", f"{metric} y rounded")
                due = nb.score(restored, clean, metric, protocol)[metric]
                assert found[rounded] == pytest.approx(due, abs=1e-6)
        assert found["psnr luma rounded"] == pytest.approx(nb.psnr(restored, clean, protocol="gray8"), abs=1e-10)
        assert found["ssim luma"] == pytest.approx(nb.ssim(restored, clean, protocol="gray8"), abs=1e-6)
    else:
        assert not any(name.startswith(("psnr y", "ssim y", "psnr luma", "ssim luma")) for name in found)


# ---- against the libraries


def test_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    restored, clean = pair()
    found = values(restored, clean)
    ssim = metrics.structural_similarity
    assert found["psnr uint8"] == pytest.approx(metrics.peak_signal_noise_ratio(clean, restored), abs=1e-10)
    assert found["ssim uniform"] == pytest.approx(ssim(restored, clean, channel_axis=2), abs=1e-12)
    assert found["ssim gaussian sample"] == pytest.approx(
        ssim(restored, clean, channel_axis=2, gaussian_weights=True), abs=1e-12
    )
    assert found["ssim"] == pytest.approx(
        ssim(restored, clean, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
        abs=1e-12,
    )


def test_torchmetrics() -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    torch = pytest.importorskip("torch")
    restored, clean = pair()
    found = values(restored, clean)
    x, y = (torch.from_numpy(a / 255.0).permute(2, 0, 1)[None] for a in (restored, clean))
    ssim = image.structural_similarity_index_measure(x, y, data_range=1.0)
    assert found["ssim reflect"] == pytest.approx(ssim.item(), abs=1e-10)
    psnr = image.peak_signal_noise_ratio(x, y, data_range=1.0)
    assert found["psnr raw"] == pytest.approx(psnr.item(), abs=1e-5)  # it returns float32


def floats(channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A restored picture beyond [0, 1] here and there, as a network gives it."""
    restored, clean = pair(channels=channels)
    noise = np.random.default_rng(1).normal(0, 0.05, restored.shape)
    return (restored / 255.0 + noise).astype(np.float32), clean


def batch(*pictures: np.ndarray) -> list:
    torch = pytest.importorskip("torch")
    unit = [a / 255.0 if a.dtype == np.uint8 else a.astype(np.float64) for a in pictures]
    return [torch.from_numpy(a).permute(2, 0, 1)[None] for a in unit]


def test_our_own_float_and_raw_ssim() -> None:
    found = values(*floats())
    for name, protocol in (("ssim clipped", "float"), ("ssim float", "raw")):
        assert found[name] == pytest.approx(nb.ssim(*floats(), protocol=protocol), abs=1e-6)
    assert found["ssim clipped"] != pytest.approx(found["ssim float"], abs=1e-5)


def test_torchmetrics_with_the_data_range_left_out() -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    restored, clean = floats()
    found = values(restored, clean // 2)
    x, y = batch(restored, clean // 2)
    due = image.structural_similarity_index_measure(x, y)
    assert found["ssim reflect own range"] == pytest.approx(due.item(), abs=1e-9)
    assert found["ssim reflect own range"] != pytest.approx(found["ssim reflect"], abs=1e-3)
    due = image.peak_signal_noise_ratio(x, y, data_range=(y.max() - y.min()).item())
    assert found["psnr own range"] == pytest.approx(due.item(), abs=1e-5)
    assert "psnr own range" not in values(restored, np.full_like(clean, 9)), "a flat picture has no range"


def test_scikit_image_uniform_on_floats() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    restored, clean = floats()
    due = metrics.structural_similarity(restored.astype(float), clean / 255.0, channel_axis=2, data_range=1)
    assert values(restored, clean)["ssim uniform float"] == pytest.approx(due, abs=1e-12)


def test_piq_takes_clamped_floats_only() -> None:
    piq = pytest.importorskip("piq")
    restored, clean = floats()
    found = values(restored, clean)
    x, y = batch(restored, clean)
    with pytest.raises(AssertionError):
        piq.psnr(x, y, data_range=1.0)
    x = x.clamp(0, 1)
    assert found["psnr float + 1e-8"] == pytest.approx(piq.psnr(x, y, data_range=1.0).item(), abs=1e-9)
    assert found["ssim pooled"] == pytest.approx(piq.ssim(x, y, data_range=1.0).item(), abs=1e-9)


def test_the_mean_of_channel_psnrs() -> None:
    restored, clean = pair()
    restored[:, :, 0] = np.clip(restored[:, :, 0].astype(int) + 30, 0, 255)
    found = values(restored, clean)
    each = [nb.psnr(restored[:, :, c], clean[:, :, c]) for c in range(3)]
    assert found["psnr of channels"] == pytest.approx(np.mean(each), abs=1e-10)
    assert found["psnr of channels"] > found["psnr uint8"] + 0.1


def test_a_mean_without_identical_pictures_stands_beside_an_infinite_one() -> None:
    restored, clean = pair()
    (one,) = (row["value"] for row in explain_pairs([(restored, clean)]) if row["name"] == "psnr uint8")
    rows = {row["name"]: row for row in explain_pairs([(restored, clean), (clean, clean)], f"{one:.4f}")}
    plain, own = rows["psnr uint8"], rows["psnr uint8, identical left out"]
    assert (plain["value"], plain["gives"], plain["own"]) == (math.inf, False, False)
    assert (own["value"], own["gives"], own["own"]) == (one, True, True)
    assert own["what"].startswith("rounded to 8 bit, all channels; 1 identical picture ")
    assert own["who"] == "noisebench uint8" and plain["who"] == "KAIR and BasicSR, border 0; scikit-image on uint8"
    assert "ssim, identical left out" not in rows
    # Where all are identical there is no other mean.
    assert not any("left out" in row["name"] for row in explain_pairs([(clean, clean), (clean, clean)]))


def test_truncation_is_what_a_cast_to_uint8_does() -> None:
    restored, clean = floats()
    cast = (np.clip(restored, 0, 1) * 255).astype(np.uint8)
    found = values(restored, clean)
    assert found["psnr truncated"] == pytest.approx(nb.psnr(cast, clean), abs=1e-10)
    assert found["ssim truncated"] == pytest.approx(nb.ssim(cast, clean), abs=1e-6)
    every = (np.arange(256, dtype=np.uint8) / np.float32(255)).reshape(16, 16)
    assert values(every, (every * 255).round().astype(np.uint8))["psnr truncated"] == math.inf


def test_torchmetrics_pools_the_error_of_a_batch() -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    torch = pytest.importorskip("torch")
    restored, clean = pair()
    worse = np.clip(restored.astype(int) + 40, 0, 255).astype(np.uint8)
    rows = {r["name"]: r["value"] for r in explain_pairs([(restored, clean), (worse, clean)])}
    batch = [torch.from_numpy(np.stack(a) / 255.0) for a in ([restored, worse], [clean, clean])]
    assert rows["psnr pooled"] == pytest.approx(image.peak_signal_noise_ratio(*batch, data_range=1.0).item(), abs=1e-5)
    assert rows["psnr pooled"] < rows["psnr uint8"] - 1


@pytest.mark.parametrize(
    ("height", "width", "f"), [(383, 390, 1), (384, 390, 2), (385, 391, 2), (640, 641, 2), (641, 642, 3)]
)
def test_piq_halves_from_384_pixels(height: int, width: int, f: int) -> None:
    piq = pytest.importorskip("piq")
    torch = pytest.importorskip("torch")
    restored, clean = (a[:, :, None] if a.ndim == 2 else a for a in pair(height, width, 1))
    ours = {c.name: c.value(restored, clean) for c in ANY if c.name in ("ssim pooled", "ssim float", "psnr + 1e-8")}
    x, y = (torch.from_numpy(a / 255.0).permute(2, 0, 1)[None] for a in (restored, clean))
    assert ours["ssim pooled"] == pytest.approx(piq.ssim(x, y, data_range=1.0).item(), abs=1e-9)
    assert ours["ssim float"] == pytest.approx(piq.ssim(x, y, data_range=1.0, downsample=False).item(), abs=1e-9)
    assert ours["psnr + 1e-8"] == pytest.approx(piq.psnr(x, y, data_range=1.0).item(), abs=1e-9)
    assert (ours["ssim pooled"] == ours["ssim float"]) == (f == 1)


def test_pytorch_msssim() -> None:
    library = pytest.importorskip("pytorch_msssim")
    torch = pytest.importorskip("torch")
    restored, clean = pair()
    x, y = (torch.from_numpy(a / 255.0).permute(2, 0, 1)[None] for a in (restored, clean))
    assert values(restored, clean)["ssim float"] == pytest.approx(library.ssim(x, y, data_range=1.0).item(), abs=1e-6)


# ---- by hand


def test_matlab_s_own_ssim_repeats_the_border() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    restored, clean = pair(channels=1)
    x, y = (a[:, :, 0].astype(float) for a in (restored, clean))

    def mean(a: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(a, 1.5, mode="nearest", radius=5)

    mx, my = mean(x), mean(y)
    c1, c2 = 2.55**2, 7.65**2
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    due = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert values(restored, clean)["ssim replicate"] == pytest.approx(due.mean(), abs=1e-10)


def test_matlab_s_own_ssim_takes_colour_for_a_volume() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    restored, clean = pair()
    x, y = restored.astype(float), clean.astype(float)

    def mean(a: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(a, 1.5, mode="nearest", radius=5)  # along all three axes

    mx, my = mean(x), mean(y)
    c1, c2 = 2.55**2, 7.65**2
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    due = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    found = values(restored, clean)
    assert found["ssim volume"] == pytest.approx(due.mean(), abs=1e-10)
    grey = [np.rint(a.astype(int) @ [299, 587, 114] / 1000).astype(np.uint8) for a in (restored, clean)]
    assert found["ssim luma replicate"] == pytest.approx(values(*grey)["ssim replicate"], abs=1e-12)


@pytest.mark.parametrize("border", [2, 3, 4])
def test_a_border_is_cut_before_anything_is_filtered(border: int) -> None:
    restored, clean = pair()
    found = values(restored, clean)
    cut = values(*(a[border:-border, border:-border] for a in (restored, clean)))
    for name in ("psnr uint8", "psnr y", "psnr y rounded", "ssim", "ssim y", "ssim y rounded"):
        assert found[f"{name} border {border}"] == pytest.approx(cut[name], abs=1e-12)


def test_added_epsilon_caps_psnr_at_80_db() -> None:
    _, clean = pair()
    found = values(clean, clean)
    assert found["psnr + 1e-8"] == pytest.approx(80, abs=1e-9)
    assert math.isinf(found["psnr uint8"]) and found["ssim"] == 1


def test_matlab_halves_a_picture_of_512() -> None:
    rng = np.random.default_rng(1)
    clean = rng.integers(0, 256, (512, 600), dtype=np.uint8)
    restored = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)
    halves = [a.reshape(256, 2, 300, 2).mean(axis=(1, 3)) / 255 for a in (restored, clean)]
    assert values(restored, clean)["ssim shrunk"] == pytest.approx(nb.ssim(*halves, protocol="raw"), abs=1e-6)


def test_what_does_not_apply_is_left_out() -> None:
    restored, clean = pair(height=8, width=9)
    found = values(restored, clean)
    assert "ssim" not in found and "ssim uniform" in found and "psnr uint8 border 2" in found
    assert "psnr uint8 border 4" not in found


@pytest.mark.parametrize(
    ("value", "claimed", "given"),
    [
        (25.4349, "25.43", True),
        (25.4399, "25.43", True),  # cut off instead of rounded
        (25.44, "25.43", False),
        (25.425, "25.43", True),
        (25.4249, "25.43", False),
        (25.9, "25", True),
        (math.inf, "25.43", False),
    ],
)
def test_claimed_within_its_printed_decimals(value: float, claimed: str, given: bool) -> None:
    assert gives(value, claimed) is given


def test_rows_are_sorted_and_grouped_where_equal() -> None:
    rows = explain_pairs([pair()])
    assert [r["metric"] for r in rows] == sorted(r["metric"] for r in rows)
    groups = [[r["name"] for r in group] for group in grouped(rows)]
    assert ["psnr + 1e-8", "psnr float", "psnr float + 1e-8", "psnr own range", "psnr raw", "psnr truncated",
            "psnr uint8"] in [sorted(g) for g in groups]  # fmt: skip


# ---- the verb


def test_explain_prints_a_pair_and_marks_the_claimed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restored, clean = pair()
    for name, picture in (("r.png", restored), ("c.png", clean)):
        nb.write_picture(tmp_path / name, picture)
    found = values(restored, clean)
    line = ["explain", str(tmp_path / "r.png"), str(tmp_path / "c.png")]
    claimed = f"{found['psnr y']:.2f}"
    assert main([*line, "--claimed", claimed]) == 0
    out, err = capsys.readouterr()
    marked = [text for text in out.splitlines() if text.startswith("=")]
    assert len(marked) == 1 and "psnr y " in marked[0]
    assert f"{claimed} is given by:\n  psnr y: 8 bit, Y of BT.601, 16–235, float\n" in err
    assert re.search(rf"uint8, .* noisebench, has {found['psnr uint8']:.4f}: rounded", err)
    assert main([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {r["name"]: r["value"] for r in document["conventions"]} == found


def test_explain_takes_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    restored, clean = pair()
    for folder, picture in (("r", restored), ("c", clean)):
        (tmp_path / folder).mkdir()
        for name in "ab":
            nb.write_picture(tmp_path / folder / f"{name}.png", picture)
    line = ["explain", str(tmp_path / "r"), str(tmp_path / "c")]
    assert main([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["pictures"] == 2
    rows = {r["name"]: r["value"] for r in document["conventions"]}
    assert rows["psnr pooled"] == pytest.approx(rows["psnr uint8"], abs=1e-10)
    nb.write_picture(tmp_path / "r" / "b.png", restored[1:])
    assert main(line) == 2
    assert "b.png: restored picture is" in capsys.readouterr().err
    (tmp_path / "r" / "b.png").unlink()
    assert main(line) == 2
    assert "unmatched files: 'b' only in " in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "r"), str(tmp_path / "c" / "a.png")]) == 2
    assert "one of each" in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "r"), str(tmp_path / "none")]) == 2
    assert "none does not exist" in capsys.readouterr().err


def rows_of(*pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, dict]:
    return {row["name"]: row for row in explain_pairs(pairs)}


def test_a_grey_picture_among_colour_ones_is_scored_as_the_convention_treats_it() -> None:
    colour, grey = pair(), pair(channels=1)
    rows = rows_of(colour, grey, grey)
    alone = values(*colour)["psnr y"], values(*grey)["psnr uint8"]
    assert rows["psnr y"]["value"] == pytest.approx((alone[0] + 2 * alone[1]) / 3, abs=1e-10)
    assert rows["psnr y"]["value"] == pytest.approx(
        np.mean([nb.psnr(*p, protocol="y8") for p in (colour, grey, grey)]), abs=1e-10
    )
    steps = rows["psnr y"]["what"]
    assert "; 2 grey pictures" in steps and steps.endswith(" as they are")
    repeated = [np.repeat(a, 3, axis=2) for a in grey]
    alone = values(*colour)["psnr y"], values(*repeated)["psnr y"]
    of_repeated = rows["psnr y, grey as RGB"]
    assert of_repeated["value"] == pytest.approx((alone[0] + 2 * alone[1]) / 3, abs=1e-10)
    assert "; 2 grey pictures repeated" in of_repeated["what"]
    assert {name for name in rows if "luma" in name} == {name for name in values(*colour) if "luma" in name}


def test_a_set_of_one_kind_says_nothing_of_grey() -> None:
    assert not any("grey" in row["what"] for row in rows_of(pair()).values())
    rows = rows_of(pair(channels=1))
    assert not any("luma" in name or name.startswith(("psnr y", "ssim y", "ssim volume")) for name in rows)


def test_how_to_tell_conventions_apart_is_said_where_several_match(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored, clean = pair()
    for name, picture in (("r.png", restored), ("c.png", clean)):
        nb.write_picture(tmp_path / name, picture)
    line = ["explain", str(tmp_path / "r.png"), str(tmp_path / "c.png"), "--claimed"]

    def said(claimed: str) -> str:
        assert main([*line, claimed]) == 0
        return capsys.readouterr().err

    found = values(restored, clean)
    claimed = f"{found['psnr uint8']:.2f}"
    count = sum(gives(v, claimed) for v in found.values())
    assert count > 1 and f"{count} conventions match at 2 decimals: give more decimals" in said(claimed)
    assert "match at" not in said(f"{found['psnr y rounded']:.6f}")
    nb.write_picture(tmp_path / "r.png", clean)
    assert "last digit: give a second picture" in said("1.0000")


def test_the_nearest_value_is_named_where_none_gives_the_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored, clean = pair()
    for name, picture in (("r.png", restored), ("c.png", clean)):
        nb.write_picture(tmp_path / name, picture)
    assert main(["explain", str(tmp_path / "r.png"), str(tmp_path / "c.png"), "--claimed", "99.1"]) == 0
    none, near, ask = capsys.readouterr().err.strip().splitlines()
    value = max(values(restored, clean).values())
    assert (
        none.startswith("99.1 ")
        and "none of these" in none
        and near.startswith(f"nearest: {value:.4f}, {value - 99.1:+.4f} from")
    )
    assert "level, seed" in ask and "which pictures" in ask


@pytest.mark.parametrize("claimed", ["x", "1e3", "-2", "nan"])
def test_a_claimed_number_that_is_none_is_refused(claimed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "a.png", "b.png", f"--claimed={claimed}"]) == 2
    assert re.search(rf"--claimed .* 25\.43, not '{re.escape(claimed)}'", capsys.readouterr().err)
