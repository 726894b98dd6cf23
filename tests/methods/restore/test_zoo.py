"""Networks from checkpoints through spandrel: the same as calling them, told what they need, or clearly refused."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from conftest import DATA
from noisebench.components.registry import bind
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from torch.nn import functional

pytest.importorskip("spandrel", reason="needs the extra: pip install 'noisebench[spandrel]'")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A working directory; one thread, as a cell runs."""
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def drunet(channels: int) -> Any:
    from spandrel.architectures.DRUNet import DRUNet

    return DRUNet(in_nc=channels + 1, out_nc=channels, nc=[8, 8, 16, 16], nb=2).eval()


def dncnn(channels: int = 1) -> Any:
    from spandrel.architectures.DnCNN import DnCNN

    return DnCNN(in_nc=channels, out_nc=channels, nc=8, nb=9, act_mode="R").eval()


def nafnet() -> Any:
    from spandrel.architectures.NAFNet import NAFNet

    net = NAFNet(img_channel=3, width=4, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    return net


def compact(scale: int) -> Any:
    from spandrel.architectures.Compact import Compact

    return Compact(num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=scale).eval()


def saved(net: Any, name: str = "net.pth", wrap: str | None = None) -> str:
    torch.save({wrap: net.state_dict()} if wrap else net.state_dict(), name)
    return f"spandrel(path={name!r})"


def restored(spec: str, noisy: Any, info: Any, shape: tuple[int, ...] | None = None) -> Any:
    restorer = nb.Restorer(bind(spec, "method"))
    restorer.setup("cpu")
    return restorer.restore(noisy, info, shape)


def scene(height: int, width: int, channels: int, regime: str = "gaussian(sigma=25)") -> tuple[Any, Any]:
    clean = np.random.default_rng(0).integers(60, 200, (height, width, channels), dtype=np.uint8)
    return nb.degrade(regime, clean)


def tensor(picture: Any) -> Any:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def array(output: Any) -> Any:
    return output.detach().clamp(0, 1)[0].numpy().transpose(1, 2, 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("wrap", [None, "params", "params_ema", "state_dict", "model", "net"])
def test_a_network_gives_what_it_gives_when_it_is_called(channels, wrap):
    net = dncnn(channels)
    noisy, info = scene(13, 22, channels)
    assert np.array_equal(restored(saved(net, wrap=wrap), noisy, info), array(net(tensor(noisy))))


def test_a_safetensors_file_gives_the_same():
    from safetensors.torch import save_file

    net = dncnn()
    save_file(net.state_dict(), "net.safetensors")
    noisy, info = scene(13, 22, 1)
    assert np.array_equal(restored("spandrel(path='net.safetensors')", noisy, info), array(net(tensor(noisy))))


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (16, 24), (33, 18)])
def test_a_picture_is_padded_to_the_multiple_that_the_network_asks_for(size):
    net = nafnet()
    noisy, info = scene(*size, 3)
    assert restored(saved(net), noisy, info).shape == noisy.shape
    if size == (16, 24):
        assert np.array_equal(restored(saved(net), noisy, info), array(net(tensor(noisy))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 50])
def test_a_network_that_takes_a_noise_level_is_told_the_one_of_the_regime(channels, sigma):
    net = drunet(channels)
    noisy, info = scene(13, 22, channels, f"gaussian(sigma={sigma})")
    padded = functional.pad(tensor(noisy), (0, 2, 0, 3), mode="replicate")
    level = torch.full((1, 1, 16, 24), sigma / 255)
    expected = array(net(torch.cat((padded, level), 1))[:, :, :13, :22])
    assert np.array_equal(restored(saved(net), noisy, info), expected)


def test_a_network_that_takes_a_noise_level_is_skipped_where_there_is_none():
    with pytest.raises(nb.Skip, match="needs sigma"):
        restored(saved(drunet(1)), *scene(16, 16, 1, "poisson(peak=20)"))


@pytest.mark.parametrize(
    ("network", "channels", "says"),
    [(1, 3, r"for grey \(1 channel\) pictures, not 3"), (3, 1, r"for RGB \(3 channels\) pictures, not 1")],
)
def test_a_picture_with_other_channels_is_skipped(network, channels, says):
    with pytest.raises(nb.Skip, match=says):
        restored(saved(dncnn(network)), *scene(16, 16, channels))


def test_a_network_can_be_adapted_to_other_channels():
    noisy, info = scene(13, 22, 3)
    net = dncnn(1)
    expected = np.concatenate([array(net(tensor(noisy[:, :, [c]]))) for c in range(3)], axis=2)
    assert np.array_equal(restored(saved(net)[:-1] + ", adapt=True)", noisy, info), expected)
    noisy, info = scene(13, 22, 1)
    net = dncnn(3)
    expected = array(net(tensor(np.repeat(noisy, 3, 2)))).mean(2, keepdims=True)
    assert np.abs(restored(saved(net)[:-1] + ", adapt=True)", noisy, info) - expected).max() < 1e-7


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "weights" / "DnCNN_KAIR").is_dir(), reason="no weights")
def test_published_weights_give_what_our_own_network_gives(monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    path = str(DATA / "weights" / "DnCNN_KAIR" / "dncnn_25.pth")
    through, own = (
        nb.evaluate(method, "set12", "kair(sigma=25)", limit=1, metrics=("psnr",)).psnr
        for method in (f"spandrel(path={path!r})", "dncnn")
    )
    assert through == pytest.approx(own, abs=1e-4)
    assert own == pytest.approx(30.2076, abs=1e-3)


# ---- what is refused


class Bomb:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("pwned"),)


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.ckpt", "net.bin", "net.safetensors"])
@pytest.mark.parametrize("form", ["zip", "pickle"])
def test_a_checkpoint_that_runs_code_does_not_run(name, form):
    held = {"params": {**dncnn().state_dict(), "x": Bomb()}}
    if form == "zip":
        torch.save(held, name)
    else:
        Path(name).write_bytes(pickle.dumps(held, protocol=2))
    with pytest.raises(nb.UsageError, match="not loaded|not a safetensors file") as caught:
        restored(f"spandrel(path={name!r})", *scene(8, 8, 1))
    assert "\n" not in str(caught.value)
    assert not os.path.exists("pwned")


def test_what_is_not_a_known_network_is_refused_in_one_line():
    torch.save({"a.weight": torch.zeros(3)}, "odd.pth")
    broken = dncnn().state_dict()
    broken["model.4.weight"] = torch.zeros(5)
    torch.save(broken, "broken.pth")
    Path("page.pth").write_text("<!DOCTYPE html><html>")
    for name, says in (("odd", "does not know"), ("broken", "cannot be built"), ("page", "is a web page")):
        with pytest.raises(nb.UsageError, match=says) as caught:
            restored(f"spandrel(path='{name}.pth')", *scene(8, 8, 1))
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def cell_of(spec: str) -> dict[str, Any]:
    (cell,) = plan(Suite(methods=(spec,), datasets=("gaussian_field(n=1)",), regimes=("none",)))
    return cell


def test_the_checkpoint_is_part_of_the_key_within_wrappers_too():
    spec = saved(dncnn())
    sha = hashlib.sha256(Path("net.pth").read_bytes()).hexdigest()
    assert cell_of(spec).inputs["weights"] == {"net.pth": sha}
    assert cell_of(f"tiled(method={spec})").inputs["weights"] == {"net.pth": sha}


@pytest.mark.parametrize(("name", "says"), [("gone.pth", "cannot be read"), ("net.txt", "must end in .safetensors")])
def test_a_path_that_leads_nowhere_is_said_before_anything_runs(name, says):
    with pytest.raises(nb.UsageError, match=says):
        cell_of(f"spandrel(path={name!r})")


# ---- larger pictures


def test_a_network_that_enlarges_needs_the_scale_of_the_regime():
    net = compact(2)
    spec = saved(net)
    noisy, info = scene(21, 30, 3, "downsample(scale=2)")
    assert noisy.shape == (11, 15, 3)
    expected = array(net(tensor(noisy)))[:21, :30]
    assert np.array_equal(restored(spec, noisy, info, (21, 30, 3)), expected)
    tiled = restored(f"tiled(method={spec}, size=8, overlap=8)", noisy, info, (21, 30, 3))
    assert np.abs(tiled - expected).max() < 1e-6
    with pytest.raises(nb.Skip, match="enlarges 2 times; here it is 3"):
        restored(spec, *scene(21, 30, 3, "downsample(scale=3)"), (21, 30, 3))
    with pytest.raises(nb.Skip, match="enlarges 2 times; .*smaller"):
        restored(spec, *scene(21, 30, 3))
