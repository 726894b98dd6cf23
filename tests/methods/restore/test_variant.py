"""A network in other forms gives nearly what it gives by itself, and what is not possible is skipped with a reason."""

from __future__ import annotations

import importlib.util
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.cost.measure import weight_bytes
from noisebench.methods.restore import _network_forms as forms
from noisebench.planning.cells import weights_part
from noisebench.tracks.restore.restorer import Restorer
from torch import nn

PICTURE = np.random.default_rng(0).random((12, 17, 3), np.float32)


class Net(nn.Module):
    """Two convolutions, of 4 · 9 + 4 and 36 + 1 parameters; with a level, a tensor or a number, that is added."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, x: Any, level: Any = 0.0) -> Any:
        return self.last(self.first(x).relu()) + level


@nb.method("va_net")
class VaNet:
    """A network that the method calls; `how`: as a whole, in part, or with more than tensors."""

    def __init__(self, *, how: str = "whole") -> None:
        self.how = how

    def setup(self, device: Any) -> None:
        self.net = Net().to(device).eval().requires_grad_(False)

    def restore(self, noisy: Any, info: Any) -> Any:
        planes = noisy.transpose(0, 1)
        if self.how == "part":
            return self.net.last(self.net.first(planes)).transpose(0, 1)
        return (self.net(planes, level=1.0) - 1 if self.how == "named" else self.net(planes)).transpose(0, 1)


@nb.method("va_mean")
class VaMean(VaNet):
    """A network that gives one picture whatever the batch is."""

    def setup(self, device: Any) -> None:
        super().setup(device)
        self.net.forward = lambda x: x.mean(dim=0, keepdim=True)

    def restore(self, noisy: Any, info: Any) -> Any:
        return self.net(noisy[:, :1]).expand_as(noisy)


def ready(spec: str) -> Restorer:
    method = Restorer(bind(spec, "method"))
    method.setup()
    return method


def changed(**form: Any) -> float:
    """The largest difference from the plain network."""
    given = ", ".join(f"{name}={value}" for name, value in form.items())
    restored = ready(f"variant(of=va_net, {given})").restore(PICTURE, nb.Info())
    return float(np.abs(restored - ready("va_net").restore(PICTURE, nb.Info())).max())


def why_skipped(spec: str) -> nb.Skip:
    with pytest.raises(nb.Skip) as skip:
        ready(spec).restore(PICTURE, nb.Info())
    return skip.value


def test_without_a_change_it_is_the_method_again() -> None:
    assert changed(batch=1) == 0


@pytest.mark.parametrize("precision, least, most", [("bfloat16", 1e-5, 2e-2), ("float16", 1e-6, 2e-3)])
def test_a_lower_precision_changes_a_little(precision: str, least: float, most: float) -> None:
    assert least < changed(precision=precision) < most


def test_int8_rounds_the_kernels_and_says_what_they_take() -> None:
    assert 1e-6 < changed(precision="int8") < 1e-2
    variant, reasons = ready("variant(of=va_net, precision=int8)"), dict[str, str]()
    assert weight_bytes(variant, reasons) == (36 + 4 * 4 + 4 * 4) + (36 + 4 * 1 + 4 * 1)
    for kernel in (one for one in variant.instance.inner.instance.net.parameters() if one.ndim == 4):
        for channel in kernel:
            steps = channel / channel.abs().max() * 127
            assert torch.allclose(steps, steps.round(), atol=1e-3) and steps.abs().max() > 126.9


def test_half_precision_halves_the_weights() -> None:
    assert weight_bytes(ready("variant(of=va_net, precision=float16)"), {}) == 2 * (36 + 4 + 36 + 1)


def test_a_picture_in_a_batch_is_as_alone() -> None:
    assert changed(batch=3) < 1e-6
    calls = []
    forms.in_batch(lambda x: calls.append(x) or x, 3)(torch.rand(2, 1, 4, 4))  # type: ignore[func-returns-value]
    assert calls[0].shape == (6, 1, 4, 4) and not torch.equal(calls[0][:2], calls[0][2:4])


def test_torchscript_is_traced_for_each_size() -> None:
    assert changed(engine="torchscript") < 1e-6
    variant = ready("variant(of=va_net, engine=torchscript)")
    for height in (5, 9):
        picture = np.ones((height, 6, 1), np.float32)
        assert np.allclose(variant.restore(picture, nb.Info()), ready("va_net").restore(picture, nb.Info()), atol=1e-6)


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs onnxruntime")
def test_onnx_runtime_agrees() -> None:
    assert changed(engine="onnx") < 1e-5


def test_forms_go_together() -> None:
    assert changed(precision="bfloat16", engine="torchscript", batch=2) < 2e-2


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    skip = why_skipped("variant(of=va_net, engine=onnx)")
    assert str(skip) == "needs onnx and onnxruntime: pip install 'noisebench[onnx]'" and skip.needs == "package onnx"


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    skip = why_skipped("variant(of=va_net, engine=compile)")
    assert "no-such-compiler is not here: install g++" in str(skip) and skip.needs


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_no_cuda_device_is_a_reason() -> None:
    skip = why_skipped("variant(of=va_net, device=cuda)")
    assert "no CUDA device" in str(skip) and skip.needs


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("variant(of=median, precision=float16)", "no torch network is at hand"),
        ("variant(of=va_net(how=part), precision=int8)", "not called as a whole"),
        ("variant(of=va_net(how=named), engine=torchscript)", "more than tensors"),
        ("variant(of=va_mean, batch=2)", "one output for each picture"),
    ],
)
def test_what_has_no_such_form_is_skipped(spec: str, why: str) -> None:
    assert why in str(why_skipped(spec))


def test_a_method_that_looks_up_pictures_is_refused() -> None:
    with pytest.raises(nb.UsageError, match="cannot wrap folder"):
        weights_part(bind("variant(of=folder(path='.'))", "method"))
