"""What `nb.evaluate` takes, and what every public function says of what it does not take: words, never a traceback."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from board_records import record
from noisebench.components.registry import registry

WHERE = ("gaussian_field(n=2, size=32)", "gaussian(sigma=25)")
U = np.arange(16 * 12, dtype=np.uint8).reshape(16, 12)


# --- a torch module ----------------------------------------------------------------------------------------


class Net(torch.nn.Module):
    """Halves in training; its layer has been frozen by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1.0))
        self.frozen = torch.nn.BatchNorm2d(1).eval()

    def forward(self, noisy: torch.Tensor) -> torch.Tensor:
        assert noisy.shape == (1, 1, 32, 32)
        return noisy * self.scale * (0.5 if self.training else 1.0)


def test_a_bare_module_is_called_on_the_tensor_in_eval_mode_and_left_as_it_was() -> None:
    net = Net()
    assert net.training and not net.frozen.training
    result = nb.evaluate(net, *WHERE)
    assert result.psnr == nb.evaluate("identity", *WHERE).psnr
    assert net.training and not net.frozen.training and net.scale.grad is None


def test_the_global_generators_of_a_training_are_left_as_they_were_found() -> None:
    def draws(noisy: Any, info: Any) -> Any:
        return noisy + 0.0 * (torch.rand(1) + np.random.rand() + random.random())

    def drawn(evaluates: bool) -> tuple[float, ...]:
        torch.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        if evaluates:
            nb.evaluate(draws, *WHERE, limit=1)
        return float(torch.rand(1)), float(np.random.rand()), random.random()

    assert drawn(True) == drawn(False)


@pytest.mark.parametrize(
    "around",
    [lambda: torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad, torch.inference_mode, lambda: wide()],
    ids=["autocast", "no_grad", "inference_mode", "float64"],
)
def test_settings_of_torch_around_the_call_do_not_reach_in(around: Callable[[], Any]) -> None:
    conv = torch.nn.Conv2d(1, 1, 3, padding=1)

    def descends(noisy: Any, info: Any) -> Any:
        x = noisy.clone().requires_grad_()
        conv(x).square().sum().backward()
        return (noisy - 0.01 * x.grad * torch.ones(1)).detach()

    def scores() -> list[float]:
        return [nb.evaluate(method, *WHERE, limit=1).psnr for method in (conv, descends)]

    expected = scores()
    with around():
        before = torch.is_grad_enabled(), torch.get_default_dtype(), torch.is_autocast_enabled("cpu")
        assert scores() == expected
        assert before == (torch.is_grad_enabled(), torch.get_default_dtype(), torch.is_autocast_enabled("cpu"))


@contextmanager
def wide() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def test_metrics_may_be_one_text_and_limit_and_seed_any_whole_number_type() -> None:
    result = nb.evaluate("identity", *WHERE, metrics="psnr", limit=np.int64(1), seed=np.uint8(3))
    assert list(result.frame)[1] == "psnr" and "ssim" not in result.frame and len(result.rows) == 1
    assert result.psnr == nb.evaluate("identity", *WHERE, metrics=("psnr",), limit=1, seed=3).psnr


# --- range of the pictures of a dataset --------------------------------------------------------------------


class Scaled:
    ids = ("a",)

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def load(self, index: int) -> nb.Sample:
        return nb.Sample("a", np.float32(self.low + (self.high - self.low) * (np.tile(U, (2, 2)) / 255)))


@pytest.fixture
def scaled_set():
    """Registers `scaled(low, high)`, one picture of 8-bit values on another scale."""

    @nb.dataset("scaled")
    def scaled(*, low: float = 0.0, high: float = 1.0) -> Scaled:
        return Scaled(low, high)

    yield
    registry("dataset")._entries.pop("scaled")


@pytest.mark.parametrize(("low", "high", "said"), [(0, 255, 255), (-1, 1, (-1, 1))])
def test_range_brings_the_pictures_of_a_dataset_to_0_1_and_without_it_they_are_refused(scaled_set, low, high, said):
    due = nb.evaluate("median", "scaled", "gaussian(sigma=25)")
    found = nb.evaluate("median", f"scaled(low={low}, high={high})", "gaussian(sigma=25)", range=said)
    assert found.rows[0]["input_sha256"] == due.rows[0]["input_sha256"]
    assert found.psnr == due.psnr
    with pytest.raises(nb.UsageError, match="'a': clean picture .*with values"):
        nb.evaluate("median", f"scaled(low={low}, high={high})", "gaussian(sigma=25)")


class Exchanged:
    ids = ("a", "b")

    def load(self, index: int) -> nb.Sample:
        return nb.Sample(self.ids[1 - index], U)


def test_an_item_under_another_id_is_refused_as_by_a_run() -> None:
    nb.dataset("exchanged")(Exchanged)
    try:
        with pytest.raises(nb.UsageError, match="^dataset exchanged, picture 'b': what `load` gives has the id 'a'"):
            nb.evaluate("identity", "exchanged")
    finally:
        registry("dataset")._entries.pop("exchanged")


def test_a_track_without_a_range_takes_none() -> None:
    with pytest.raises(nb.UsageError, match="^range: track functions .*: leave range out"):
        nb.evaluate("mean", track="functions", range=255)


# --- what is not taken -------------------------------------------------------------------------------------


class NoRestore:
    pass


class NeedsDepth:
    def __init__(self, depth: int) -> None:
        pass

    def restore(self, noisy: Any, info: Any) -> Any:
        return noisy


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nb.evaluate("identity", *WHERE, limit=0), "limit must be a whole number from 1, not 0"),
        (lambda: nb.evaluate("identity", *WHERE, limit=True), "limit must be a whole number from 1, not True"),
        (lambda: nb.evaluate("identity", *WHERE, limit=1.0), "limit must be a whole number from 1, not 1.0"),
        (lambda: nb.evaluate("identity", *WHERE, seed=-1), "seed must be a whole number from 0, not -1"),
        (lambda: nb.evaluate("identity", *WHERE, seed=2**63), f"seed must be a whole number from 0 to {2**63 - 1}"),
        (lambda: nb.evaluate("identity", *WHERE, seed=None), "seed must be a whole number from 0, not None"),
        (lambda: nb.evaluate("identity", *WHERE, metrics=5), "metrics are a list of specs, not int"),
        (lambda: nb.evaluate("identity", *WHERE, metrics=(5,)), "a spec is text .*, not int"),
        (lambda: nb.evaluate("identity", *WHERE, metrics=("psnr", "psnr")), "given twice"),
        (lambda: nb.evaluate("identity", *WHERE, protocol=8), "a spec is text .*, not int"),
        (lambda: nb.evaluate("identity", U), "a spec is text .*, not ndarray"),
        (lambda: nb.evaluate("identity", track=None), "a track is named by text, not NoneType"),
        (lambda: nb.evaluate("identity", *WHERE, device=None), "unknown device 'None'"),
        (lambda: nb.evaluate("photos", "identity"), "unknown method 'photos': it is a dataset"),
        (lambda: nb.evaluate("identity", "gaussian(sigma=25)"), "unknown dataset 'gaussian': it is a regime"),
        (lambda: nb.evaluate(None, *WHERE), "method is NoneType: give a spec"),
        (lambda: nb.evaluate(NeedsDepth(1), *WHERE), "method is NeedsDepth: give a spec"),
        (lambda: nb.evaluate(NeedsDepth, *WHERE), r"cannot be called as NeedsDepth\(\): missing .*'depth'"),
        (lambda: nb.evaluate(NoRestore, *WHERE), r"method NoRestore: its class has no restore\(given, info\)"),
        (lambda: nb.evaluate(torch.nn.ReLU, *WHERE), "its class has no restore"),
        (lambda: nb.evaluate(lambda noisy: noisy, *WHERE), r"cannot be called as <lambda>\(given, info\): too many"),
    ],
)  # fmt: skip
def test_a_wrong_argument_of_evaluate_is_refused_in_words(call: Any, says: str) -> None:
    with pytest.raises(nb.UsageError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


WRONG = (None, 5, -1.5, "x", b"x", (), {}, object(), np.zeros((2, 2), complex), True, float("nan"))
FUNCTIONS = {
    "degrade regime": lambda wrong: nb.degrade(wrong, U),
    "degrade clean": lambda wrong: nb.degrade("gaussian(sigma=25)", wrong),
    "psnr restored": lambda wrong: nb.psnr(wrong, U),
    "psnr clean": lambda wrong: nb.psnr(U, wrong),
    "ssim protocol": lambda wrong: nb.ssim(U, U, wrong),
    "score noisy": lambda wrong: nb.score(U, U, noisy=(wrong,)),
    "score metrics": lambda wrong: nb.score(U, U, [wrong]),
    "score_sets restored": lambda wrong: nb.score_sets([wrong], [U]),
    "score_sets pictures": lambda wrong: nb.score_sets(wrong, [U]),
    "score_sets metrics": lambda wrong: nb.score_sets([U], [U], [wrong]),
    "features pictures": lambda wrong: nb.features([wrong]),
    "features network": lambda wrong: nb.features([U], wrong),
    "bind": lambda wrong: nb.bind(wrong, "method"),
    "get_track": lambda wrong: nb.get_track(wrong),
    "read_picture": lambda wrong: nb.read_picture(wrong),
    "write_picture picture": lambda wrong: nb.write_picture("no.png", wrong),
    "write_picture path": lambda wrong: nb.write_picture(wrong, U),
    "list_files": lambda wrong: nb.list_files(wrong, nb.PICTURE_SUFFIXES),
    "pair_folders": lambda wrong: nb.pair_folders(wrong, wrong, nb.PICTURE_SUFFIXES),
    "frame": lambda wrong: nb.frame(wrong),
    "frechet_distance": lambda wrong: nb.frechet_distance(wrong, wrong),
    "kernel_distance": lambda wrong: nb.kernel_distance(wrong, wrong),
    "pixel_sha256": lambda wrong: nb.pixel_sha256([wrong]),
    "read_weight_table": lambda wrong: nb.read_weight_table(wrong),
    "ManifestSet": lambda wrong: nb.ManifestSet("x", wrong, folder="x"),
    "write_reference network": lambda wrong: nb.write_reference("no.npz", np.zeros((3, 4)), wrong),
    "write_reference path": lambda wrong: nb.write_reference(wrong, np.zeros((3, 4)), "inception"),
    "write_reference": lambda wrong: nb.write_reference("no.npz", wrong, "inception"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_refuses_a_wrong_type_in_words(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for wrong in WRONG:
        with pytest.raises(nb.UsageError) as caught:
            FUNCTIONS[name](wrong)
        assert re.fullmatch(r".{10,1000}", str(caught.value)), (name, wrong)
    assert not any(tmp_path.iterdir())


def test_a_mean_leaves_out_items_that_are_exact_unless_all_are() -> None:
    result = nb.Result(record(scores={"psnr": [float("inf"), 30.0, 32.0], "mse": [0.0, 0.1, 0.2]}))
    assert (result.psnr, result.mse) == (31.0, pytest.approx(0.1))
    assert nb.Result(record(scores={"psnr": [float("inf")]})).psnr == float("inf")
    bad = nb.Result(record(scores={"mse": [float("inf"), 1.0]}, rank_by="mse"))
    assert bad.mse == float("inf"), "infinitely bad is no reason to be left out"


def test_evaluate_knows_which_scores_are_exact() -> None:
    found = nb.evaluate("identity", "photos", "none", limit=1, metrics=("psnr", "mse"))
    assert found.higher == {"psnr": True, "mse": False} and found.psnr == float("inf")


def test_what_a_run_would_refuse_is_refused_before_anything_is_trained_or_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noisebench.evaluation.train_for", lambda *_: pytest.fail("trained"))
    with pytest.raises(nb.UsageError, match="^dps .* denoiser, .*median .*: take edm or exact_prior$"):
        nb.evaluate("dps(denoiser=median)", "gaussian_field(n=1, size=24)", "blur(sigma=2)")
