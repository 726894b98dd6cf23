"""SGMSE+ and what trains on clips: the process against its closed form, spectra, batches, calls, refusals."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.recipes.archs._clips import Spectra, peak
from noisebench.recipes.archs._ouve import Process, sampled
from noisebench.tracks.audio import Clip, as_clip
from numpy.testing import assert_allclose

TRACK = get_track("audio")
SMALL = "of=unet(width=4, depth=2), size=30, hop=8"
PROCESS = Process()


def network(text: str = f"sgmse({SMALL})", length: int = 400) -> Any:
    bound = bind(text, "arch", "audio")
    torch.manual_seed(0)
    return bound.entry.obj((1, length), (1, length), **bound.kwargs)


def normal(like: Any) -> Any:
    return torch.randn_like(like)


def at(t: float) -> torch.Tensor:
    return torch.tensor(t, dtype=torch.float64)


# ---- the process


@pytest.mark.parametrize(("t", "mean", "deviation"), [(1.0, 0.2231, 0.3890), (0.5, 0.472, 0.122)])
def test_mean_and_deviation_are_those_of_the_entry(t: float, mean: float, deviation: float):
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    assert PROCESS.mean(one, none, at(t)).item() == pytest.approx(mean, abs=5e-4)
    assert PROCESS.deviation(at(t)).item() == pytest.approx(deviation, abs=5e-4)


@pytest.mark.parametrize("t", [0.5, 1.0])
def test_a_simulated_path_has_the_mean_and_deviation_of_the_closed_form_within_two_percent(t: float):
    torch.manual_seed(0)
    n, steps, y = 20_000, 500, 0.0
    x = torch.ones(n, dtype=torch.complex128)
    dt = t / steps
    for step in range(steps):
        g = PROCESS.diffusion(at((step + 0.5) * dt)).item()
        x = x + PROCESS.theta * (y - x) * dt + g * math.sqrt(dt) * torch.randn_like(x)
    one = torch.ones(1, dtype=torch.float64)
    assert x.real.mean().item() == pytest.approx(PROCESS.mean(one, 0 * one, at(t)).item(), rel=0.02)
    assert x.std().item() == pytest.approx(PROCESS.deviation(at(t)).item(), rel=0.02)
    # Of each part it is half of the variance.
    assert x.imag.std().item() == pytest.approx(PROCESS.deviation(at(t)).item() / math.sqrt(2), rel=0.03)


def test_a_fifth_of_the_way_to_the_clean_clip_is_left_where_it_starts():
    assert PROCESS.kept(at(1.0)).item() == pytest.approx(0.22, abs=0.005)
    assert PROCESS.deviation(at(0.0)).item() == 0


@pytest.mark.parametrize(("r", "calls"), [(0.5, 60), (0.0, 30)])
def test_thirty_steps_ask_the_network_sixty_times(r: float, calls: int):
    asked = []

    def score(x: Any, t: Any) -> Any:
        asked.append(float(t))
        return 0 * x

    sampled(score, torch.zeros(1, 1, 2, 2, dtype=torch.complex64), PROCESS, 30, r, normal)
    assert len(asked) == calls
    # The corrector first, then the predictor at the same place; from 1 to 0.03.
    assert asked[0] == 1
    assert asked[-1] == pytest.approx(0.03)
    assert len(set(asked)) == 30


def test_with_the_true_score_a_gaussian_comes_out():
    torch.manual_seed(0)
    spread, clean, y = 0.1, 0.3 + 0.1j, torch.zeros(40_000, dtype=torch.complex128)

    def score(x: Any, t: Any) -> Any:
        mean = PROCESS.mean(clean * torch.ones_like(y), y, t)
        variance = (PROCESS.kept(t) * spread) ** 2 + PROCESS.deviation(t) ** 2
        return (mean - x) / variance

    for r in (0.0, 0.5):
        made = sampled(score, y, PROCESS, 100, r, normal)
        assert abs(made.mean().item() - clean) < 0.01
        # The last step gives its mean, so that a little less than all of the spread is left.
        assert made.std().item() == pytest.approx(spread, rel=0.15)


# ---- spectra


@pytest.mark.parametrize(("size", "hop"), [(510, 128), (254, 64), (30, 8), (8, 4)])
@pytest.mark.parametrize("length", [1, 63, 1_000])
def test_compression_is_inverted(size: int, hop: int, length: int):
    clips = 0.3 * torch.randn(2, 1, length)
    spectra = Spectra(size, hop)
    assert_allclose(spectra.clips(spectra.of(clips), length), clips, atol=1e-5)
    assert spectra.of(clips).shape[2] == size // 2 + 1


def test_values_are_compressed_as_the_paper_says():
    clips = torch.zeros(1, 1, 30)
    clips[0, 0, 10] = 1.0
    plain = torch.stft(
        torch.nn.functional.pad(clips[:, 0], (15, 45)), 30, 8, window=torch.hann_window(30), center=False,
        return_complex=True,
    )  # fmt: skip
    found = Spectra(30, 8).of(clips)[:, 0]
    strong = plain.abs() > 1e-3
    assert_allclose(found.abs()[strong], 0.15 * plain.abs()[strong] ** 0.5, rtol=1e-4)
    assert_allclose(found.angle()[strong], plain.angle()[strong], atol=1e-4)


def test_silence_has_a_gradient_and_a_level():
    clips = torch.zeros(1, 1, 100, requires_grad=True)
    spectra = Spectra(30, 8)
    spectra.clips(spectra.of(clips), 100).sum().backward()
    assert torch.isfinite(clips.grad).all()
    assert peak(torch.zeros(2, 1, 5)).tolist() == [[[1.0]], [[1.0]]]


# ---- the networks and the loss


def test_the_loss_is_one_of_who_tells_the_mean_of_the_process_and_is_nothing_of_who_knows():
    net, objective = network(), bind("sgmse", "objective", "audio")
    batch = {"given": 0.1 * torch.randn(64, 1, 400), "wanted": 0.1 * torch.randn(64, 1, 400)}
    held: dict[str, Any] = {}
    truth = net.spectra.of(batch["wanted"] / peak(batch["given"]))

    def knows(x: Any, noisy: Any, t: Any) -> Any:
        return truth

    def tells_the_mean(x: Any, noisy: Any, t: Any) -> Any:
        return (x - (1 - net.process.kept(t)).to(x.real) * noisy) / net.process.kept(t).to(x.real)

    net.clean = knows
    held["knows"] = float(objective.entry.obj(net, batch))
    net.clean = tells_the_mean
    held["mean"] = float(objective.entry.obj(net, batch))
    assert held["knows"] < 1e-6
    assert held["mean"] == pytest.approx(1, abs=0.03)  # |z|² of complex z of variance 1


def test_the_guess_has_the_loss_that_even_weights_divide_by():
    net = network()
    truth = torch.zeros(40, 1, 16, 50, dtype=torch.complex64)
    net.within.forward = lambda planes: planes  # the guess alone
    for t in (0.03, 0.5, 1.0):
        apart = torch.complex(torch.randn_like(truth.real), torch.randn_like(truth.real)) * 0.1 / math.sqrt(2)
        x = net.process.kept(at(t)).to(truth.real) * apart
        x = x + net.process.deviation(at(t)).to(truth.real) * torch.randn_like(truth)
        error = net.process.kept(at(t)) * (net.clean(x, 0 * x, at(t).reshape(1, 1, 1, 1)) - apart)
        found = float((error / net.process.deviation(at(t))).abs().square().mean())
        assert found == pytest.approx(float(net.guessed(at(t))), rel=0.03)


@pytest.mark.parametrize("text", [f"sgmse({SMALL})", f"mask_unet({SMALL})"])
def test_a_louder_clip_gives_a_louder_clip_of_any_length(text: str):
    net = network(text)
    for length in (1, 50, 777):
        clips = 0.1 * torch.randn(1, 1, length)
        with torch.no_grad():
            one, three = net(clips), net(3 * clips)
        assert one.shape == clips.shape
        assert_allclose(3 * one, three, rtol=1e-3, atol=1e-4)
        assert torch.isfinite(net(0 * clips)).all()


def test_a_mask_weighs_and_keeps_phases():
    net = network(f"mask_unet({SMALL})")
    clips = torch.randn(1, 1, 400)
    with torch.no_grad():
        made = net(clips)
    assert float(made.square().sum()) < float(clips.square().sum())
    assert float((made * clips).sum()) > 0


@pytest.mark.parametrize("name", ["sgmse", "mask_unet"])
def test_a_few_steps_make_the_loss_smaller(name: str):
    net = network(f"{name}({SMALL})", 512)
    loss = bind("sgmse" if name == "sgmse" else "supervised(loss=l2)", "objective", "audio")
    wanted = 0.1 * torch.sin(torch.arange(512) * 0.3).expand(16, 1, 512)
    batch = {"given": wanted + 0.1 * torch.randn(16, 1, 512), "wanted": wanted}
    optimizer, found = torch.optim.Adam(net.parameters(), 3e-3), []
    for _ in range(25):
        torch.manual_seed(0)  # the same draws each time
        value = loss.entry.obj(net, batch, **loss.kwargs)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        found.append(float(value.detach()))
    assert found[-1] < 0.8 * found[0]


# ---- batches


class Clips:
    def __init__(self, *clips: Clip) -> None:
        self.clips, self.ids = clips, [clip.id for clip in clips]

    def load(self, index: int) -> Clip:
        return self.clips[index]


def batches(*clips: Clip, regime: str = "white(snr=10)", crop: int = 100, **more: Any) -> Any:
    return TRACK.batches(
        Clips(*clips), range(len(clips)), bind(regime, "regime", "audio"), lambda step: [step % len(clips), 0],
        crop=crop, seed=0, **more,
    )  # fmt: skip


LONG = as_clip("long", np.sin(np.arange(2_000) * 0.2), 8_000, level=-20.0)
SHORT = as_clip("short", np.sin(np.arange(40) * 0.2) + 1, 8_000)


def test_a_batch_depends_on_its_step_alone_and_the_noise_has_the_snr_of_the_clip():
    made = batches(LONG, SHORT)
    first, again, later = made(0), batches(LONG, SHORT)(0), made(2)
    assert first["given"].shape == first["wanted"].shape == (2, 1, 100)
    assert_allclose(first["given"], again["given"])
    assert not np.array_equal(first["given"], later["given"])
    whole = batches(LONG, crop=2_000)(0)
    noise = (whole["given"] - whole["wanted"])[0, 0]
    assert 10 * math.log10(np.var(whole["wanted"][0, 0]) / np.var(noise)) == pytest.approx(10, abs=0.01)


def test_a_short_clip_has_zeros_around_it():
    wanted = batches(LONG, SHORT, regime="none")(1)["wanted"][0, 0]
    start = int(np.flatnonzero(wanted)[0])
    assert_allclose(np.trim_zeros(wanted), np.trim_zeros(SHORT.wave))
    assert not wanted[:start].any()
    assert np.count_nonzero(wanted) <= 40


def test_fixed_draws_come_again():
    made = batches(LONG, fixed=True)
    assert_allclose(made(0)["given"], made(7)["given"])


def test_what_does_not_go_together_is_refused():
    with pytest.raises(nb.UsageError, match="differ in their rate"):
        batches(LONG, as_clip("other", np.sin(np.arange(99.0)), 16_000))
    with pytest.raises(nb.UsageError, match="needs a crop"):
        batches(LONG, crop=0)
    with pytest.raises(nb.UsageError, match=r"is of clips \(1, N\)"):
        bound = bind("sgmse", "arch", "audio")
        bound.entry.obj((3, 32, 32), (3, 32, 32), **bound.kwargs)
    with pytest.raises(nb.UsageError, match="give most above"):
        network("sgmse(least=1, most=0.5)")
    with pytest.raises(nb.UsageError, match="give hop=15 or less"):
        network("mask_unet(size=30, hop=20)")
    with pytest.raises(nb.UsageError, match="arch=sgmse"):
        bind("sgmse", "objective", "audio").entry.obj(network(f"mask_unet({SMALL})"), {})
    for method in ("wiener", "trained(arch=mask_unet)"):
        with pytest.raises(nb.UsageError, match="sgmse takes trained"):
            bound = bind(f"sgmse(model={method})", "method", "audio")
            bound.entry.obj(**bound.kwargs)


# ---- the methods


def test_a_method_draws_by_the_clip_and_asks_as_often_as_it_says():
    bound = bind(f"sgmse(model=trained(arch=sgmse({SMALL}), objective=sgmse), N=3)", "method", "audio")
    runner = TRACK.open(bound)
    net, calls = network(), []
    inner = net.within.forward
    net.within.forward = lambda x: (calls.append(1), inner(x))[1]
    runner.instance.inner.instance.use(net, (1, 400))
    case = TRACK.pose(bind("white(snr=5)", "regime", "audio"), LONG, 0)
    one, two = (runner.accept(runner.call(runner.prepare(case.given), case.info.stream(k)), case) for k in (0, 1))
    again = runner.accept(runner.call(runner.prepare(case.given), case.info.stream(0)), case)
    assert len(calls) == 3 * 6
    assert_allclose(one, again)
    assert not np.array_equal(one, two)
    assert one.shape == (2_000,)


def test_a_recipe_trains_and_its_network_is_used(cli: Any):
    data = "voices(n=4, seconds=0.3, rate=8000, seed=9)"
    how = f"data={data}, crop=256, batch=2, steps=2, checks=1, validation=1"
    method = f"sgmse(model=trained(arch=sgmse({SMALL}), objective=sgmse, {how}), N=2)"
    cli(
        "run", "--track", "audio", "--methods", method, "--datasets", "voices(n=1, seconds=0.3, rate=8000)",
        "--regimes", "white(snr=5)", "--metrics", "si_sdr",
    )  # fmt: skip
    assert "sgmse" in cli("weights", "ls", "nb-store").stdout
