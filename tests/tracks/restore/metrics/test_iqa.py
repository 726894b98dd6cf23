"""Metrics by way of pyiqa: a stand-in for the package where it is not installed, the package itself where it is."""

import json
import sys
import types

import noisebench as nb
import numpy as np
import pytest
from noisebench.boards.signature import explain_signature
from noisebench.components.registry import bind
from noisebench.planning.plan import metric_part
from noisebench.store.cell import MetricPart
from noisebench.tracks.restore.metrics import _pyiqa as iqa
from skimage import data

CLEAN = data.astronaut()[:64, 180:260]
NOISY = np.clip(CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape), 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def opened_anew():
    iqa._open.cache_clear()
    yield
    iqa._open.cache_clear()


@pytest.fixture
def stand_in(monkeypatch):
    """A package with a distance, a metric without a reference, one that fails and one whose weights are not there."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self, mode, lower_better, weight):
            super().__init__()
            self.metric_mode, self.lower_better = mode, lower_better
            self.empty = torch.nn.Parameter(torch.empty(0))
            if weight is not None:
                self.weight = torch.nn.Parameter(torch.tensor([float(weight)]))

        def forward(self, x, y=None):
            if x.shape[2] < 32:
                raise ValueError("too small\nfor me")
            if self.metric_mode == "NR":
                assert y is None
                return x.mean()
            return self.weight * (x - y).abs().mean()

    def create_metric(name, device):
        if name == "musiq":
            raise OSError("out of\npatience")
        if name in ("clipiqa", "maclip", "unique"):
            package = {"clipiqa": "pyiqa.part", "maclip": "own.part", "unique": "numpy"}[name]
            raise ImportError("cannot import", name=package)
        print("Loading pretrained model")  # as pyiqa does, on standard output
        modes = {"lpips": ("FR", True, 2), "lpips-vgg": ("FR", True, 3), "brisque": ("NR", False, None)}
        return Model(*modes[name])

    package = types.SimpleNamespace(
        create_metric=create_metric,
        list_models=lambda: ["lpips", "lpips-vgg", "brisque", "musiq", "clipiqa", "maclip", "unique", "fid"],
        __version__="9.9",
    )
    monkeypatch.setitem(sys.modules, "pyiqa", package)


def test_without_the_package_the_message_has_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(nb.UsageError) as caught:
        nb.score(NOISY, CLEAN, "lpips")
    assert str(caught.value).startswith("lpips ") and str(caught.value).endswith(': pip install "noisebench[iqa]"')


def test_a_picture_arrives_on_the_unit_range_in_three_channels(stand_in, capsys):
    difference = np.abs(NOISY.astype(float) - CLEAN).mean() / 255
    assert nb.score(NOISY, CLEAN, "lpips")["lpips"] == pytest.approx(2 * difference, rel=1e-6)
    assert nb.score(NOISY, CLEAN, "lpips(net=vgg)")["lpips(net=vgg)"] == pytest.approx(3 * difference, rel=1e-6)
    grey = np.abs(NOISY[..., 0].astype(float) - CLEAN[..., 0]).mean() / 255
    assert nb.score(NOISY[..., 0], CLEAN[..., 0], "pyiqa(name=lpips)")["pyiqa(name=lpips)"] == pytest.approx(
        2 * grey, rel=1e-6
    )
    assert capsys.readouterr().out == ""


def test_a_metric_without_a_reference_sees_the_restored_picture_only(stand_in):
    value = nb.score(NOISY, CLEAN, "brisque")["brisque"]
    assert value == pytest.approx(NOISY.mean() / 255, rel=1e-6)


def test_direction_version_and_weights_are_part_of_the_metric(stand_in):
    one, other = (metric_part(bind(m, "metric")) for m in ("pyiqa(name=lpips)", "pyiqa(name='lpips-vgg')"))
    assert one.higher is False and one.made_with.startswith("pyiqa 9.9, weights ")
    assert len(one.made_with.split()[-1]) == 64 and one.made_with != other.made_with
    assert metric_part(bind("pyiqa(name=brisque)", "metric")) == MetricPart(
        version=1, higher=True, unit="", decimals=4, order=100, gate={}, made_with="pyiqa 9.9"
    )


def test_tensors_that_are_no_parameters_are_in_the_hash_of_the_weights():
    import torch

    def hash_of(value):
        module = torch.nn.Module()
        module.inner = torch.nn.Module()
        module.inner.mean = None if value is None else torch.tensor([value])
        return iqa._weights_sha256(module)

    assert hash_of(None) == "" and len({hash_of(1.0), hash_of(2.0), ""}) == 3 and hash_of(1.0) == hash_of(1.0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pyiqa(name=lpip)", "pyiqa has no metric 'lpip': did you mean 'lpips'?"),
        ("pyiqa(name=fid)", "pyiqa(name=fid) is of a set of pictures: use fid, or fd(features=…)"),
        ("pyiqa(name=musiq)", "pyiqa(name=musiq) cannot be opened (OSError: out of patience)"),
        ("pyiqa(name=clipiqa)", 'pyiqa(name=clipiqa) needs the package pyiqa: pip install "noisebench[iqa]"'),
        ("pyiqa(name=maclip)", "pyiqa(name=maclip) needs the package own: pip install own"),
        ("pyiqa(name=unique)", 'pyiqa(name=unique) cannot be opened (cannot import): pip install "noisebench[iqa]"'),
    ],
)
def test_what_cannot_be_opened_is_one_line(stand_in, monkeypatch, spec, message):
    monkeypatch.setattr(iqa, "is_installed", lambda package: package == "numpy")
    for call in (lambda: nb.score(NOISY, CLEAN, spec), lambda: metric_part(bind(spec, "metric"))):
        with pytest.raises(nb.UsageError) as caught:
            call()
        assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_a_signature_and_the_board_say_what_made_a_column(stand_in):
    made = nb.evaluate("identity", "piecewise(n=2, size=48)", "gaussian(sigma=25)", metrics=("psnr", "lpips"))
    assert made.signature("lpips").startswith("lpips[pyiqa 9.9]|uint8@1|")
    assert made.signature("psnr").startswith("psnr|uint8@1|")
    (note,) = [note for note in made.board.notes if " made with " in note]
    assert note.startswith("lpips ") and "pyiqa 9.9, weights " in note
    first = explain_signature(made.signature("lpips"))["parts"][0]
    assert first["value"].startswith("lpips") and first["meaning"].endswith(" Made with pyiqa 9.9.")


def test_a_picture_that_the_metric_refuses_has_no_score_and_says_why(stand_in):
    assert nb.score(NOISY[:16], CLEAN[:16], "brisque")["brisque"].reason == "brisque of 16×80: too small for me"
    four = np.zeros((64, 64, 4), np.uint8)
    assert nb.score(four, four, "lpips")["lpips"].reason == "lpips takes 1 or 3 channels, not 4"
    assert nb.score(NOISY, CLEAN, "lpips", "y8(border=99)")["lpips"].reason


def test_a_run_that_needs_the_package_ends_before_it_starts(cli, tmp_path):
    if "pyiqa" not in sys.modules and _installed():
        pytest.skip("pyiqa is installed")
    done = cli(
        "run", "--methods", "identity", "--datasets", "photos", "--regimes", "none", "--metrics", "psnr", "lpips",
        "--store", "s", code=2,
    )  # fmt: skip
    assert 'pip install "noisebench[iqa]"' in done.stderr and not (tmp_path / "s" / "cells").exists()


def _installed():
    import importlib.util

    return importlib.util.find_spec("pyiqa") is not None


def test_pyiqa_itself_agrees_where_conventions_coincide():
    pytest.importorskip("pyiqa")
    scores = nb.score(NOISY, CLEAN, ("psnr", "ssim", "gmsd", "pyiqa(name=psnr)", "pyiqa(name=ssimc)"))
    assert scores["pyiqa(name=psnr)"] == pytest.approx(scores["psnr"], abs=1e-4)
    assert scores["pyiqa(name=ssimc)"] == pytest.approx(scores["ssim"], abs=1e-5)
    assert json.dumps(metric_part(bind("pyiqa(name=psnr)", "metric")))
