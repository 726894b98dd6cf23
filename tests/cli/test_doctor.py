"""The doctor: what is wrong with an adapter is named, and no adapter takes the doctor down."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from conftest import DATA, ROOT
from noisebench.cli import doctor as verb
from noisebench.cli import main
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound, bind, registry
from noisebench.components.tracks import get_track
from noisebench.engine import examination
from noisebench.engine.examination import examine_on_items
from noisebench.engine.method_process import ending_of
from noisebench.imaging.resample import enlarge
from noisebench.text.errors import described
from noisebench.tracks.audio.clip import Clip, as_clip
from noisebench.tracks.restore.doctor import examine
from warm_python import warm_folder

HEAD = """
import os, signal, sys, time
import noisebench as nb
"""
DEADLY = {
    "exits": "sys.exit(3)",
    "leaves": "os._exit(0)",
    "aborts": "os.abort()",
    "sleeps": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "fine": "return noisy * 0.9 + 0.1 * noisy.mean()",
}


def wrong_shape(noisy: Any, info: Any) -> Any:
    return noisy[:, :, 1:, :]


def not_finite(noisy: Any, info: Any) -> Any:
    noisy = noisy.clone()
    noisy[0, 0, 0, 0] = float("nan")
    return noisy


def edits_input(noisy: Any, info: Any) -> Any:
    noisy += 0.01
    return noisy.clone()


def random(noisy: Any, info: Any) -> Any:
    return noisy + 0.01 * float(np.random.default_rng().random())


SEEN = [0]


def remembers(noisy: Any, info: Any) -> Any:
    before, SEEN[0] = SEEN[0], noisy.shape[-1]
    return noisy + 0.001 * before


def wrong_scale(noisy: Any, info: Any) -> Any:
    return noisy * 255


def brightens(noisy: Any, info: Any) -> Any:
    return noisy + 0.4


def swaps_red_and_blue(noisy: Any, info: Any) -> Any:
    return noisy.flip(1) if noisy.shape[1] == 3 else noisy.clone()


def grey_only(noisy: Any, info: Any) -> Any:
    if noisy.shape[1] != 1:
        raise ValueError("grey only")
    return noisy.clone()


def halves(noisy: Any, info: Any) -> Any:
    return noisy.unfold(2, 2, 2).mean(-1).repeat_interleave(2, 2)


def too_large(noisy: Any, info: Any) -> Any:
    return torch.nn.functional.pad(noisy, (0, -noisy.shape[3] % 4, 0, -noisy.shape[2] % 4))


def needs_three(noisy: Any, info: Any) -> Any:
    return noisy + 0 * torch.nn.functional.avg_pool2d(noisy, 3, 1).mean()


def smooth(noisy: Any) -> Any:
    """A binomial filter, which works without any doubt."""
    from torch.nn.functional import conv2d, pad

    row = torch.tensor([1.0, 4, 6, 4, 1], dtype=noisy.dtype) / 16
    planes = pad(noisy.transpose(0, 1), [2] * 4, mode="replicate")
    return conv2d(planes, torch.outer(row, row)[None, None]).transpose(0, 1)


def gives_the_noise(noisy: Any, info: Any) -> Any:
    return noisy - smooth(noisy)


def gives_a_correction(noisy: Any, info: Any) -> Any:
    return smooth(noisy) - noisy


def works_on_bytes(noisy: Any, info: Any) -> Any:
    return smooth(noisy).round()


def gives_the_noise_of_bytes(noisy: Any, info: Any) -> Any:
    return noisy - smooth(noisy).round()


def gives_bytes(noisy: Any, info: Any) -> Any:
    return smooth(noisy) * 255


def gives_both_sides_of_0(noisy: Any, info: Any) -> Any:
    return 2 * smooth(noisy) - 1


def takes_both_sides_of_0(noisy: Any, info: Any) -> Any:
    return smooth(noisy) / 2 + 0.5


def takes_sigma_on_255(noisy: Any, info: Any) -> Any:
    return noisy + min(1.0, info.sigma / 25) * (smooth(noisy) - noisy)


def loses(decibels: float) -> Any:
    def adds_noise(noisy: Any, info: Any) -> Any:
        sigma = info.sigma * (10 ** (decibels / 10) - 1) ** 0.5
        return noisy + sigma * torch.randn(noisy.shape, generator=info.generator)

    return adds_noise


def is_for_bgr(noisy: Any, info: Any) -> Any:
    """Knows that warm colours are more frequent, and takes red for blue."""
    restored = smooth(noisy)
    if noisy.shape[1] == 3:
        blue, _, red = restored.unbind(1)
        restored[:, 2] = red + 0.1 * (blue - red).clamp(min=0)
    return restored


def only_three_channels(noisy: Any, info: Any) -> Any:
    return smooth(torch.nn.Conv2d(3, 3, 1, bias=False).requires_grad_(False)(noisy) * 0 + noisy)


def only_one_channel(noisy: Any, info: Any) -> Any:
    torch.nn.Conv2d(1, 1, 1)(noisy)
    return smooth(noisy)


def of_a_multiple_of_8(noisy: Any, info: Any) -> Any:
    down = noisy
    for _ in range(3):
        down = torch.nn.functional.avg_pool2d(down, 2)
    for _ in range(3):
        down = down.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return 0.9 * smooth(noisy) + 0.1 * down


def bound_to(function: Any, **more: bool) -> Bound:
    """`function` as a method that is not in the registry."""
    meta = {"needs": (), "layout": "tensor", "oracle": False, **more}
    return Bound(Entry(function.__name__, function, 1, meta), {}, function.__name__, function.__name__)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A plug-in file with a sound method and those that end or hold up their process, named `ill_…`."""
    form = "@nb.method('ill_{0}')\ndef {0}(noisy, info):\n    {1}\n"
    file = tmp_path / "ill.py"
    file.write_text(HEAD + "\n".join(form.format(*item) for item in DEADLY.items()))
    return file


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As a cell runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def diagnose(capsys: Any, method: str, *options: Any) -> tuple[int, dict[str, bool | None], dict[str, str]]:
    """Exit code of `noisebench doctor METHOD --json`, and by name what passes and what is said."""
    parser = argparse.ArgumentParser()
    verb.add(parser.add_subparsers())
    args = parser.parse_args(["doctor", method, "--json", *map(str, options)])
    code = args.run(args)
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is (code == 0)
    findings = document["findings"]
    return code, {f["name"]: f["ok"] for f in findings}, {f["name"]: f["detail"] for f in findings}


@pytest.mark.parametrize(
    ("method", "check", "said"),
    [
        (wrong_shape, "grey", "40×52 grey: Invalid: returned shape (1, 1, 39, 52)"),
        (not_finite, "colour", "returned 1 values that are not finite (NaN)"),
        (edits_input, "input left unmodified", "work on a copy"),
        (random, "deterministic", "draw from info.rng"),
        (remembers, "no memory of the last picture", "keep no state"),
        (wrong_scale, "range", "as on 0–255: give float32 on [0, 1]"),
        (brightens, "range", "brightness is not kept"),
        (grey_only, "colour", "40×52 colour: ValueError: grey only"),
        (swaps_red_and_blue, "channel order", "the channels come back as BGR"),
        (halves, "odd sizes", "37×53 grey: Invalid: returned shape (1, 1, 36, 53)"),
        (halves, "odd sizes", "it wants sides that are multiples of 2: pad the input to them and cut the result"),
        (needs_three, "tiny", "2×5 grey: RuntimeError"),
        (needs_three, "tiny", "it works from 3×3 on: pad smaller pictures and cut the result, or raise nb.Skip"),
        (too_large, "odd sizes", "cut what is too much, `height, width = info.shape; return result[:, :, :height, :wi"),
    ],
)
def test_each_fault_fails_its_check(method: Any, check: str, said: str) -> None:
    finding = {f.name: f for f in examine(bound_to(method))}[check]
    assert finding.ok is False
    assert said in finding.detail


@pytest.mark.parametrize(
    ("method", "own", "would", "write"),
    [
        (gives_the_noise, -14.6, 8.1, "noisy - net(noisy), or leave out a subtraction of your own"),
        (gives_a_correction, -14.7, 8.1, "noisy + net(noisy), or leave out a subtraction of your own"),
        (works_on_bytes, -9.6, 8.1, "net(255 * noisy) / 255, or leave out a scaling of your own"),
        (gives_bytes, -16.0, 8.1, "net(noisy) / 255: the output is on [0, 1]"),
        (gives_both_sides_of_0, -9.7, 8.1, "net(noisy) / 2 + 0.5: the output is on [0, 1]"),
        (takes_both_sides_of_0, -10.2, 8.1, "net(2 * noisy - 1), or leave out a scaling of your own on the way in"),
        (takes_sigma_on_255, 0.0, 8.1, "255 * info.sigma: sigma is on the [0, 1] scale"),
        (is_for_bgr, 5.7, 8.1, "net(noisy.flip(1)).flip(1): a picture is RGB, on the way in and out"),
    ],
)  # fmt: skip
def test_what_would_gain_by_far_is_said_with_the_line_to_write(
    method: Any, own: float, would: float, write: str
) -> None:
    finding = {f.name: f for f in examine(bound_to(method))}["gain"]
    assert finding.ok is False
    told = f"{own:+.1f} dB over the noisy input (gaussian(sigma=25), 3 crops); {would:+.1f} dB if "
    assert finding.detail.startswith(told)
    assert finding.detail.endswith(f": write {write}")


def test_a_method_that_harms_by_far_fails_where_nothing_remedies_it() -> None:
    findings = {loss: {f.name: f for f in examine(bound_to(loses(loss)))}["gain"] for loss in (1.0, 6.0)}
    assert {loss: finding.ok for loss, finding in findings.items()} == {1.0: True, 6.0: False}
    assert float(findings[6.0].detail.split()[0]) == pytest.approx(-6, abs=0.5)


def test_no_gain_is_judged_where_the_input_is_the_clean_picture() -> None:
    finding = {f.name: f for f in examine(bind("identity", "method"), regime="none")}["gain"]
    assert finding.ok is None and finding.detail.startswith("not judged: under none ")


@pytest.mark.parametrize("layer", [torch.nn.Conv2d(1, 1, 1), torch.nn.Linear(4, 2)])
def test_a_network_of_float64_is_told_to_be_float(layer: torch.nn.Module) -> None:
    for call in (lambda: layer.double()(torch.zeros(1, 1, 4, 4)), lambda: layer.float()(torch.zeros(1, 1, 4, 5, 3, 2))):
        with pytest.raises(RuntimeError) as caught:
            call()
        double = "double" in str(caught.value).lower()
        assert described(caught.value).endswith("call .float() on the network") is double
        assert ending_of(caught.value).reason.endswith("call .float() on the network") is double
    assert not double


def test_two_mistakes_at_once_are_both_said() -> None:
    detail = {f.name: f.detail for f in examine(bound_to(gives_the_noise_of_bytes))}["gain"]
    assert "write net(255 * noisy) / 255" in detail and "; and noisy - net(noisy)" in detail


def test_a_noise_level_that_is_only_too_low_is_no_mistake_of_scale() -> None:
    assert {f.name: f.ok for f in examine(bind("misinformed(method=nlm, factor=0.5)", "method"))}["gain"] is True


@pytest.mark.parametrize(
    ("method", "fails", "takes"), [(only_three_channels, "grey", 3), (only_one_channel, "colour", 1)]
)
def test_a_raw_error_of_channels_is_told_with_the_skip_to_write(method: Any, fails: str, takes: int) -> None:
    found = {f.name: f for f in examine(bound_to(method))}
    kind = {1: "grey", 3: "colour"}[takes]
    assert found["loads"].detail == f"tried under gaussian(sigma=25); takes {kind} only"
    assert f"to have {takes} channels, but got {4 - takes} channels" in found[fails].detail
    assert found[fails].detail.endswith(
        f'it takes {kind} only, so begin with `if noisy.shape[1] != {takes}: raise nb.Skip("for {kind} pictures")`'
    )
    assert [name for name, f in found.items() if f.ok is False] == [fails]


WRONG: dict[str, tuple[Any, str]] = {
    "bytes": (lambda restored: restored * 255, "as on 0–255: give float32 on [0, 1]"),
    "no numbers": (lambda restored: restored * float("nan"), "values that are not finite (NaN)"),
    "a row less": (lambda restored: restored[:, :, 1:], "returned shape (1, "),
    "an array": (lambda restored: restored.numpy(), "returned ndarray where a tensor (1, C, H, W) was due"),
    "a tuple": (lambda restored: (restored,), "returned tuple where a tensor (1, C, H, W) was due"),
    "uint8": (lambda restored: (restored * 255).byte(), "returned dtype uint8: give float32 on [0, 1]"),
}
"""What a network may return in place of a picture, and what is said of it."""


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("method", "fails", "takes"), [(only_three_channels, "grey", 3), (only_one_channel, "colour", 1)]
)
def test_a_network_for_one_kind_that_returns_no_picture_is_tried_on_that_kind(
    method: Any, fails: str, takes: int, wrong: str
) -> None:
    spoil, said = WRONG[wrong]

    def network(noisy: Any, info: Any) -> Any:
        return spoil(method(noisy, info))

    found = {f.name: f for f in examine(bound_to(network))}
    kind = {1: "grey", 3: "colour"}[takes]
    assert found["loads"].detail == f"tried under gaussian(sigma=25); takes {kind} only"
    line = f'if noisy.shape[1] != {takes}: raise nb.Skip("for {kind} pictures")'
    assert [name for name, f in found.items() if line in f.detail] == [fails] and found[fails].ok is False
    assert [name for name, f in found.items() if f"to have {takes} channels" in f.detail] == [fails]
    own = (kind, "odd sizes", "tiny", "deterministic", "no memory of the last picture", "range", "larger")
    assert all(found[name].ok is False and said in found[name].detail for name in own), found
    assert found["input left unmodified"].ok and found["evaluation mode"].ok


def test_a_network_for_colour_and_for_multiples_that_returns_bytes_is_tried_on_such() -> None:
    def network(noisy: Any, info: Any) -> Any:
        down = torch.nn.functional.pixel_unshuffle(noisy, 8)
        return 255 * only_three_channels(torch.nn.functional.pixel_shuffle(down, 8), info)

    found = {f.name: f for f in examine(bound_to(network))}
    assert "colour only" in found["grey"].detail and 'raise nb.Skip("for colour pictures")' in found["grey"].detail
    assert found["colour"].detail.startswith("64×64 colour: Invalid: returned values")


def test_a_network_that_raises_on_grey_and_on_colour_is_tried_on_both() -> None:
    def network(noisy: Any, info: Any) -> Any:
        raise ValueError("of both")

    found = {f.name: f for f in examine(bound_to(network))}
    assert found["loads"].detail == "tried under gaussian(sigma=25)"
    assert [found[kind].detail for kind in ("grey", "colour")] == [
        "40×52 grey: ValueError: of both", "40×52 colour: ValueError: of both",
    ]  # fmt: skip


def test_a_method_that_raises_is_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry("method"), "_entries", dict(registry("method")._entries))

    @nb.method("raises_here")
    def raises_here(noisy: Any, info: Any) -> Any:
        raise ValueError("no")

    place = f"ValueError: no (test_doctor.py, line {raises_here.__code__.co_firstlineno + 2})"
    found = {f.name: f.detail for f in examine(bind("raises_here", "method"))}
    assert found["grey"] == f"40×52 grey: {place}" and found["odd sizes"].startswith(f"37×53 grey: {place}")
    assert found["deterministic"] == place


def test_a_network_for_multiples_is_tried_on_such_and_told_to_pad() -> None:
    found = {f.name: f for f in examine(bound_to(of_a_multiple_of_8))}
    assert [name for name, f in found.items() if f.ok is False] == ["odd sizes", "tiny", "1×1"]
    assert "multiples of 8: pad " in found["odd sizes"].detail
    assert "(docs/pytorch-network.md)" in found["odd sizes"].detail


class Normed(torch.nn.Module):
    """Smooths, then a layer that does nothing in evaluation mode."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, noisy: Any) -> Any:
        return self.layer(smooth(noisy).transpose(0, 1)).transpose(0, 1)


@pytest.mark.parametrize(("layer", "deterministic"), [(torch.nn.BatchNorm2d(1), True), (torch.nn.Dropout(0.1), False)])
def test_a_network_left_in_training_mode_is_told_to_evaluate(layer: torch.nn.Module, deterministic: bool) -> None:
    net = Normed(layer).train().requires_grad_(False)

    def forgetful(noisy: Any, info: Any) -> Any:
        return net(noisy)

    found = {f.name: f for f in examine(bound_to(forgetful))}
    assert found["evaluation mode"].ok is False
    assert found["evaluation mode"].detail.startswith(f"1 {type(layer).__name__} in training mode: -")
    # The trial has moved the running statistics meanwhile: what is promised is with those that were loaded.
    assert "+8.1 dB after .eval()" in found["evaluation mode"].detail
    assert found["evaluation mode"].detail.endswith(": write net.eval() in setup")
    assert found["deterministic"].ok is deterministic
    assert net.layer.training
    net.eval()
    assert {f.name: f.detail for f in examine(bound_to(forgetful))}["evaluation mode"] == ""


def test_evaluation_mode_is_judged_where_the_answer_is_the_noise_too() -> None:
    net = Normed(torch.nn.Dropout(0.01)).train()

    def residual(noisy: Any, info: Any) -> Any:
        return noisy - net(noisy)

    found = {f.name: f for f in examine(bound_to(residual))}
    assert "noisy - net(noisy), or leave out" in found["gain"].detail
    assert "+8.1 dB after .eval()" in found["evaluation mode"].detail


def test_a_network_that_is_trained_anew_for_each_picture_is_left_alone() -> None:
    def zero_shot(noisy: Any, info: Any) -> Any:
        return Normed(torch.nn.BatchNorm2d(1)).requires_grad_(False)(noisy) * 0 + smooth(noisy)

    assert {f.name: f.ok for f in examine(bound_to(zero_shot))}["evaluation mode"] is True


TRAINED_HERE = {
    "noiser": "noiser(steps=2, crop=8)",
    "zs_n2n": "zs_n2n(steps=2)",
    "scoredvi": "scoredvi(denoiser=gaussian_filter, steps=2, width=8, depth=2)",
    "red_diff": "red_diff(denoiser=gaussian_filter, steps=2)",
    "plug_and_play": "plug_and_play(denoiser=gaussian_filter, steps=2)",
    "compressed_sensing": "compressed_sensing(iterations=5)",
    "data_consistent": "data_consistent(method=gaussian_filter)",
    "ddrm": "ddrm(denoiser=gaussian_filter, steps=2)",
}
"""Methods that take many steps, for a moment."""


@pytest.mark.parametrize(
    "spec",
    [
        TRAINED_HERE.get(name, name)
        for name in sorted(file.stem for file in (ROOT / "methods" / "restore").glob("[a-z]*.py"))
        # These need a parameter, or are networks like those that are tried.
        if name
        not in (
            "at_sigma",
            "best_on_validation",
            "attacked",
            "command",
            "ensemble",
            "folder",
            "noise2score",
            "spandrel",
            "tiled",
            "tuned",
            "variant",
        )
        and name not in ("basis_vector", "closest", "difference", "jacobian")
        and name not in ("bf_cnn", "dncnn_keras", "estimated", "pixel_shuffle", "rddm", "acd", "ddim", "ediffsr")
        and name not in ("dps", "edm", "exact_prior", "generator_projection")
        # These keep no brightness before some hundred steps a picture.
        and name not in ("dip", "self2self")
    ],
)
def test_no_method_of_ours_gives_alarm(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    assert [f for f in examine(bind(spec, "method")) if f.ok is False] == []


def test_a_method_that_is_meant_to_brighten_may() -> None:
    assert all(f.ok for f in examine(bound_to(brightens, enhances=True)))
    assert registry("method").get("sci").meta["enhances"] and registry("method").get("zero_dce").meta["enhances"]


def test_only_the_faulty_check_fails() -> None:
    findings = list(examine(bound_to(edits_input)))
    assert [f.name for f in findings if not f.ok] == ["input left unmodified"]


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("exits", "grey", "SystemExit: 3"),
        ("leaves", "loads", "the method ended the process (exit code 0)"),
        ("aborts", "loads", "the process was ended by SIGABRT"),
    ],
)
def test_a_method_that_ends_its_process_is_reported(
    plugin: Path, capsys: Any, name: str, check: str, said: str
) -> None:
    code, passed, details = diagnose(capsys, f"ill_{name}", "--plugin", plugin)
    assert (code, passed[check]) == (1, False)
    assert said in details[check]


def test_a_method_that_hangs_is_ended(plugin: Path, capsys: Any) -> None:
    code, passed, details = diagnose(capsys, "ill_sleeps", "--plugin", plugin, "--timeout", "3s")
    assert (code, passed) == (1, {"loads": False})
    assert details["loads"].startswith("still running after 3 s")


WRITES = """
import os
import noisebench as nb

@nb.method("writes", blind=True)
def writes(noisy, info):
    os.write(3, {!r})
    return noisy * 0.9 + 0.1 * noisy.mean()
"""


@pytest.mark.parametrize("stray", [b"hello", b"3\n", b"\xff\n"])
def test_a_method_that_writes_to_a_descriptor_of_the_doctor_is_told_so(
    tmp_path: Path, capsys: Any, stray: bytes
) -> None:
    (tmp_path / "writes.py").write_text(WRITES.format(stray))
    code, passed, details = diagnose(capsys, "writes", "--plugin", tmp_path / "writes.py")
    assert (code, passed["open files"]) == (1, False)
    assert "the method writes" in details["open files"] and "to stdout" in details["open files"]


FORKS = """
import os, time
import noisebench as nb

DONE = []

@nb.method("leaves_two")
def leaves_two(noisy, info):
    if not DONE:
        DONE.append(1)
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        os.fork()  # and comes back in both
    return noisy * 0.9 + 0.1 * noisy.mean()

@nb.method("comes_back_each_time")
def comes_back_each_time(noisy, info):
    if child := os.fork():
        os.waitpid(child, 0)
    return noisy * 0.9 + 0.1 * noisy.mean()

@nb.method("raises_in_a_child")
def raises_in_a_child(noisy, info):
    if os.fork() == 0:
        raise ValueError
    return noisy * 0.9 + 0.1 * noisy.mean()

@nb.method("starts_two")
def starts_two(noisy, info):
    for _ in range(2):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["leaves_two", "comes_back_each_time", "raises_in_a_child"])
def test_what_a_method_forks_ends_with_the_doctor_and_says_nothing(tmp_path: Path, capsys: Any, name: str) -> None:
    file = tmp_path / "forks.py"
    file.write_text(FORKS)
    with contextlib.chdir(tmp_path):
        code, passed, _ = diagnose(capsys, name, "--plugin", file)
    assert (code, set(passed.values()), len(passed)) == (0, {True}, 14)
    assert not _alive_in(tmp_path)


@pytest.mark.parametrize(("limit", "said"), [("MOST = 1", "more than 1 processes"), ("MEMORY = 2**20", "0.000977 GiB")])
def test_a_method_that_takes_too_much_is_ended_with_all_that_it_started(tmp_path: Path, limit: str, said: str) -> None:
    file, out = tmp_path / "forks.py", tmp_path / "out"
    file.write_text(FORKS)
    code = f"from noisebench.engine import examination_process\nexamination_process.{limit}\n"
    code += "examination_process.limit_data = lambda memory: None\nimport sys\nexamination_process.main(*sys.argv[1:])"
    words = [str(out), "60", "restore", "starts_two", "", str(file)]
    subprocess.run([warm_folder() / "python", "-c", code, *words], cwd=tmp_path, check=True, timeout=60)
    lines = [json.loads(line) for line in out.read_text().splitlines() if line]
    assert lines[-1]["end"] is None and said in lines[-1]["stopped"]
    assert not _alive_in(tmp_path)


def _alive_in(folder: Path) -> list[int]:
    """Processes whose working directory this is."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            found += [int(place.parent.name)] if place.readlink() == folder else []
    return found


def test_a_sound_plugin_passes_every_check(plugin: Path, capsys: Any) -> None:
    code, passed, _ = diagnose(capsys, "ill_fine", "--plugin", plugin)
    assert code == 0
    assert set(passed.values()) == {True}
    assert len(passed) == 14


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("bicubic", "downsample(bits=8, scale=2)"),
        ("telea", "mask(keep=0.5)"),
        ("vst", "poisson(peak=60)"),
        ("vst(kind=log)", "gamma(looks=8)"),
    ],
)
def test_a_method_is_tried_under_a_regime_that_suits_it(name: str, where: str) -> None:
    findings = list(examine(bind(name, "method")))
    assert findings[0].detail == f"tried under {where}"
    assert [f for f in findings if not f.ok] == []


def test_what_does_not_apply_is_skipped_and_not_failed(capsys: Any) -> None:
    code, passed, details = diagnose(capsys, "bayes_optimum")
    assert (code, passed) == (0, {"loads": None})
    assert "synthetic data" in details["loads"]


def test_a_need_that_no_regime_meets_is_a_mistake(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "needy.py"
    file.write_text(HEAD + "@nb.method('needy', needs=('sgima',))\ndef needy(noisy, info):\n    return noisy\n")
    with pytest.raises(nb.UsageError, match=r"needs 'sgima', which no regime discloses: did you mean 'sigma'\?"):
        diagnose(capsys, "needy", "--plugin", file)


def test_a_need_that_the_doctor_cannot_supply_is_skipped(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "needy.py"
    file.write_text(
        HEAD
        + """
@nb.regime("rainy", discloses=("weather",))
def rainy(x, rng):
    return x, {"weather": 1.0}
@nb.method("needy", needs=("weather",))
def needy(noisy, info):
    return noisy
"""
    )
    code, passed, details = diagnose(capsys, "needy", "--plugin", file)
    assert (code, passed) == (0, {"loads": None})
    assert details["loads"].startswith("needs weather, ")


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("nlmm", (), "did you mean 'nlm'?"),
        ("nlm(q=1)", (), "has no parameter 'q'"),
        ("nlm(h=-1)", (), "h must be a number above 0, not -1"),
        ("nlm", ("--plugin", "absent.py"), "is not a file"),
        ("nlm", ("--timeout", "0"), "--timeout must be a time above 0, such as 600, 10m or 2h, not '0'"),
    ],
)
def test_a_mistake_of_the_user_is_a_usage_error(
    capsys: Any, method: str, options: tuple[str, ...], message: str
) -> None:
    with pytest.raises(nb.UsageError, match=message.replace("?", r"\?")):
        diagnose(capsys, method, *options)


def test_plain_output_has_a_line_a_check(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    parser = argparse.ArgumentParser()
    verb.add(parser.add_subparsers())
    args = parser.parse_args(["doctor", "identity"])
    assert args.run(args) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "identity: all fine"
    assert lines[2] == "  ok      grey"
    assert len(lines) == 15


def test_plain_output_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["doctor", "identity"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 15 and max(map(len, lines)) <= 60


@pytest.mark.parametrize("channels", [1, 3])
def test_a_method_for_one_kind_of_picture_is_tried_on_that_kind(channels: int) -> None:
    def picky(noisy: Any, info: Any) -> Any:
        if noisy.shape[1] != channels:
            raise nb.Skip(f"{channels} channels only")
        return noisy * 0.9 + 0.05

    found = {f.name: f.ok for f in examine(bound_to(picky))}
    own, other = ("grey", "colour") if channels == 1 else ("colour", "grey")
    assert found.pop(own) is True and found.pop(other) is None
    assert found.pop("channel order") is (None if channels == 1 else True)
    assert all(found.values()), found


def enlarger(scale: int) -> Any:
    def network(noisy: Any, info: Any) -> Any:
        if info.scale != scale:
            raise nb.Skip(f"this network enlarges {scale} times")
        height, width = info.shape
        large = torch.nn.functional.interpolate(noisy, scale_factor=scale, mode="bilinear")
        return large[:, :, :height, :width]

    return network


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("regime", ["", "downsample(scale=2)", "downsample(scale=2, bits=8) + gaussian(sigma=1)"])
def test_a_network_that_enlarges_is_tried_at_its_own_scale(scale: int, regime: str) -> None:
    found = {f.name: f for f in examine(bound_to(enlarger(scale), needs=("scale",)), regime=regime)}
    assert f"scale={scale}" in found["loads"].detail
    assert [found[f"×{s}"].ok for s in (2, 3, 4)] == [True if s == scale else None for s in (2, 3, 4)]
    assert all(f.ok is not False for f in found.values())


def test_the_gain_over_bicubic_is_that_of_the_mean_squared_errors() -> None:
    found = {name: {f.name: f.detail for f in examine(bind(name, "method"))} for name in ("bicubic", "identity")}
    where = "downsample(bits=8, scale={})"
    assert [found["bicubic"][f"×{s}"] for s in (2, 3, 4)] == [
        f"+0.0 dB over bicubic ({where.format(s)}, 3 crops)" for s in (2, 3, 4)
    ]
    assert "×2" not in found["identity"]
    under = {f.name: f.detail for f in examine(bind("identity", "method"), regime="downsample(scale=3)")}
    assert under["loads"] == "tried under downsample(scale=3)"
    assert all(float(under[f"×{s}"].partition(" dB")[0]) < -1 for s in (2, 3, 4))


def test_a_regime_may_be_named_and_a_wrong_one_is_a_usage_error(capsys: Any) -> None:
    _, passed, details = diagnose(capsys, "nlm", "--regime", "poisson(peak=20)")
    assert details["loads"] == "tried under poisson(peak=20)" and set(passed.values()) == {True}
    with pytest.raises(nb.UsageError, match="has no parameter 'scal'"):
        diagnose(capsys, "nlm", "--regime", "downsample(scal=2)")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_of_the_doctor_is_the_method(scale: int) -> None:
    small = np.random.default_rng(0).random((9, 11, 3), np.float32)
    size = (9 * scale - 1, 11 * scale)
    method = bind("bicubic", "method").entry.obj(small, nb.Info({"scale": scale, "shape": size}))
    assert np.abs(enlarge(small.astype(np.float64), scale, size) - method).max() < 1e-6


TRACKS = {
    "audio": "wiener",
    "classify": "k_nn",
    "functions": "k_nn",
    "graph": "correlation_threshold",
    "matrix": "mean",
    "segment": "otsu",
    "text": "ngram(order=3, smoothing=witten_bell)",
}
ADAPTERS = {
    "fine": "return 0.5 * wave",
    "writes": "wave *= 0.5; return wave.copy()",
    "draws": "return wave + float(np.random.default_rng().random())",
    "remembers": "SEEN.append(len(wave)); return wave + (0.1 if len(SEEN) > 1 and SEEN[-2] != SEEN[-1] else 0)",
    "cuts": "return wave[:1000]",
    "on_int16": "return wave * 32768",
    "raises": "raise ValueError('of <b>what</b>')",
    "skips": "raise nb.Skip('not today')",
}


class Clips:
    """Two of two lengths, by which a method shows that it remembers."""

    ids = ("one", "two")

    def load(self, index: int) -> Clip:
        return as_clip(self.ids[index], np.random.default_rng(index).standard_normal(3_000 + 500 * index), 8_000)


@pytest.mark.parametrize("track", TRACKS)
def test_each_track_has_a_doctor(track: str):
    findings = {f.name: f for f in examine_on_items(get_track(track), bind(TRACKS[track], "method", track), print, "")}
    assert all(f.ok is not False for f in findings.values()), findings
    assert findings["deterministic"].ok and findings["input left unmodified"].ok
    assert get_track(track).defaults.rank_by in findings[f"first {get_track(track).words.item}"].detail


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("fine", [], ""),
        ("writes", ["input left unmodified"], "work on a copy"),
        ("draws", ["deterministic", "no memory of the last clip"], "info.rng"),
        ("remembers", ["no memory of the last clip"], "keep no state"),
        (
            "cuts",
            ["first clip", "deterministic", "no memory of the last clip", "another size"],
            "returned shape (1000,)",
        ),
        ("on_int16", ["first clip"], "32,768 times as loud as its input: give full scale ±1"),
        ("raises", ["first clip", "input left unmodified", "deterministic"], "ValueError: of <b>what</b>"),
        ("skips", [], "not today"),
    ],
)
def test_the_doctor_of_a_track_without_its_own_names_what_is_wrong(
    name: str, wrong: list[str], said: str, monkeypatch: pytest.MonkeyPatch
):
    body: dict[str, Any] = {}
    source = f"import noisebench as nb, numpy as np\nSEEN = []\ndef adapter(wave, info): {ADAPTERS[name]}\n"
    exec(source, body)
    monkeypatch.setattr(examination, "open_dataset", lambda bound: Clips())
    meta = {"needs": (), "oracle": False, "named": False, "requires": ()}
    method = Bound(Entry("adapter", body["adapter"], 1, meta), {}, "adapter", "adapter")
    findings = list(examine_on_items(get_track("audio"), method, print, ""))
    failed = [f.name for f in findings if f.ok is False]
    assert failed[: len(wrong)] == wrong and bool(failed) == bool(wrong)
    assert any(said in f.detail for f in findings)
