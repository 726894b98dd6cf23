"""SCI, Zero-DCE and the Keras DnCNN: what their definitions promise, and their authors' own output."""

from __future__ import annotations

import io
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.data.checkpoints import read_checkpoint
from noisebench.methods.restore import dncnn_keras as keras
from noisebench.tracks.restore.restorer import Restorer

pytestmark = pytest.mark.data


@pytest.fixture(autouse=True)
def weights(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of published weights; one thread, as a cell runs."""
    if not (data_dir / "weights").is_dir():
        pytest.skip(f"no weights at {data_dir / 'weights'}")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(data_dir / "weights"))
    torch.set_num_threads(1)
    return data_dir / "weights"


def ready(spec: str) -> Restorer:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method


def parameters(spec: str) -> int:
    return sum(p.numel() for p in ready(spec).instance.net.parameters())


def test_parameter_counts() -> None:
    assert parameters("sci") == 258
    assert parameters("zero_dce") == 79_416


@pytest.mark.parametrize("level", ["easy", "medium"])
def test_sci_gives_its_authors_pictures_within_a_grey_level(data_dir: Path, level: str) -> None:
    dark = open_dataset(bind(f"lowlight_{level}", "dataset"))
    method = ready(f"sci(weights={level})")
    index = 0
    sample = dark.load(index)
    published = nb.read_picture(data_dir / "LowLight_SCI" / level / "sci_output" / f"{sample.id}.png")
    ours = method.restore((sample.clean / 255).astype(np.float32), nb.Info())
    truncated = np.floor(ours * 255).astype(int)
    assert np.abs(truncated - published.astype(int)).max() <= 1
    assert np.mean(truncated != published) < 0.01


def test_sci_never_darkens_and_stays_in_range() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((20, 24, 3), dtype=np.float32)
    y = ready("sci(weights=difficult)").restore(x, nb.Info())
    assert y.max() <= 1 and np.all(y >= x - 1e-6)


def test_zero_dce_brightens_and_keeps_black_and_white(data_dir: Path) -> None:
    method = ready("zero_dce")
    dark = open_dataset(bind("lowlight_easy", "dataset")).load(0).clean[:96, :96] / 255
    bright = method.restore(dark.astype(np.float32), nb.Info())
    assert bright.mean() > 1.5 * dark.mean() and bright.min() >= 0 and bright.max() <= 1
    ends = np.zeros((16, 16, 3), np.float32)
    ends[:, 8:] = 1
    assert np.array_equal(method.restore(ends, nb.Info()), ends)


@pytest.mark.parametrize("spec", ["sci", "zero_dce"])
def test_grey_pictures_are_skipped(spec: str) -> None:
    with pytest.raises(nb.Skip, match=r"RGB \(3 channels\)"):
        ready(spec).restore(np.zeros((8, 8, 1), np.float32), nb.Info())


def test_keras_dncnn_on_the_first_picture_of_set12() -> None:
    found = nb.evaluate("dncnn_keras", "set12", "restormer(sigma=25)", protocol="raw", metrics=("psnr",), limit=1)
    assert found.psnr == pytest.approx(30.2464, abs=1e-3)


def test_a_keras_norm_is_folded_with_its_own_epsilon() -> None:
    rng = torch.Generator().manual_seed(0)
    kernel, x = torch.rand(5, 2, 3, 3, generator=rng), torch.rand(1, 2, 9, 8, generator=rng)
    norm = {p: torch.rand(5, generator=rng) + 0.1 for p in ("gamma", "beta", "moving_mean", "moving_variance")}
    ((folded, bias),) = keras.layers_of({"conv3.kernel": kernel, **{f"bn4.{k}": v for k, v in norm.items()}})
    plain = torch.nn.functional.conv2d(x, kernel)
    due = torch.nn.functional.batch_norm(
        plain, norm["moving_mean"], norm["moving_variance"], norm["gamma"], norm["beta"], eps=1e-4
    )
    assert torch.allclose(torch.nn.functional.conv2d(x, folded, bias), due, atol=1e-5)


@pytest.mark.parametrize("root", ["", "model_weights/"])
def test_a_keras_file_is_read_and_a_wrong_one_refused_in_one_line(root: str) -> None:
    h5py = pytest.importorskip("h5py")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file[f"{root}conv1/conv1/kernel:0"] = np.arange(18, dtype=np.float32).reshape(3, 3, 1, 2)
        file[f"{root}conv1/conv1/bias:0"] = np.zeros(2, np.float32)
        file.create_group(f"{root}relu2")
    found = read_checkpoint(buffer.getvalue(), "keras", "m.h5")
    assert found["conv1.kernel"].shape == (2, 1, 3, 3)
    assert found["conv1.kernel"][1, 0, 0].tolist() == [1, 3, 5]
    for data in (b"\x89HDF\r\n\x1a\n" + bytes(64), b"nothing"):
        with pytest.raises(nb.UsageError, match=r"^m\.h5 .*Keras.*: get the file again") as caught:
            read_checkpoint(data, "keras", "m.h5")
        assert "\n" not in str(caught.value)


def test_a_keras_file_that_points_into_another_file_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "private").write_bytes(bytes(8))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("conv1/kernel", (8,), "u1", external=[(str(tmp_path / "private"), 0, 8)])
    with pytest.raises(nb.UsageError, match=r"^m\.h5 .*Keras.*: get the file again"):
        read_checkpoint(buffer.getvalue(), "keras", "m.h5")
