"""Radar to optical pictures: the pairs, a conditional diffusion, and what is distilled from it into one step."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import cv2
import noisebench as nb
import numpy as np
import pytest
import torch
from given_trainings import give_training
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs._diffusion import GRAIN, LEVELS, ddim, noised, reach, reading, shares, spaced, step_down
from noisebench.recipes.parts._judge import Judge
from noisebench.training.trainer import Trainer

WITHIN = "dncnn(depth=2, width=3, norm=false)"
HOW = "data=sar_to_optical(n=8, size=16), regime=real, crop=16, batch=2, validation=2, checks=1, precision=float32"
TEACHER = f"trained(arch=conditional_diffusion(of={WITHIN}, steps=2), objective=ddpm, {HOW}, steps=4)"
STUDENT = (
    f"trained(arch=consistency(of={WITHIN}), objective=consistency, {HOW}, steps=3, "
    f"parts=consistency_distillation(teacher={TEACHER}))"
)
SHAPE = (3, 12, 10)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset"))


def net(arch: str = "consistency", words: str = "") -> Any:
    made = bind(f"{arch}(of={WITHIN}{words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj(SHAPE, SHAPE, **made.kwargs)


def loss_of(objective: str, network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    made = bind(objective, "objective")
    torch.manual_seed(0)
    return made.entry.obj(network, batch, **made.kwargs)


def a_batch(items: int = 2, side: int = 12) -> dict[str, torch.Tensor]:
    return {"given": draw(items, 3, side, side).abs(), "wanted": draw(items, 3, side, side, seed=1).sigmoid()}


def part(**changed: Any) -> Any:
    made = bind(f"consistency_distillation(teacher={TEACHER})", "part")
    return made.entry.obj(**{**made.kwargs, **changed})


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A teacher whose checkpoint this process has."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    recipe = recipe_of(bind(TEACHER, "method").kwargs)
    trainer = Trainer(recipe, SHAPE, SHAPE, 7, "cpu")
    give_training(tmp_path, TEACHER, trainer, "restore", SHAPE, SHAPE)
    return trainer.net


@pytest.mark.parametrize("looks", [1, 4])
def test_speckle_of_the_pairs_multiplies_and_has_the_variance_of_its_looks(looks: int) -> None:
    """The multiplier has mean 1 and variance 1/L, within 2 %, and is that of one channel."""
    pictures = (
        opened(f"sar_to_optical(n=3, size=256, looks={looks})"),
        opened("sar_to_optical(n=3, size=256, looks=1e6)"),
    )
    ratios = [
        (a.noisy / b.noisy)[b.noisy > 0] for a, b in zip(*(map(one.load, range(3)) for one in pictures), strict=True)
    ]
    ratio = np.concatenate(ratios)
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert ratio.var() * looks == pytest.approx(1, abs=0.02)


def test_pairs_are_drawn_by_key_and_looks_change_the_radar_alone() -> None:
    few, more = opened("sar_to_optical(n=2, size=33)"), opened("sar_to_optical(n=5, size=33)")
    first, again = few.load(1), more.load(1)
    assert (
        first.id == again.id and np.array_equal(first.clean, again.clean) and np.array_equal(first.noisy, again.noisy)
    )
    assert first.clean.shape == first.noisy.shape == (33, 33, 3) and first.clean.dtype == np.uint8
    assert np.ptp(first.noisy, axis=2).max() == 0 and first.noisy.min() >= 0
    other = opened("sar_to_optical(n=2, size=33, looks=1)")
    assert few.made(1) == other.made(1) != few.made(0)  # so a test on the same scenes is refused
    assert np.array_equal(other.load(1).clean, first.clean) and not np.array_equal(other.load(1).noisy, first.noisy)
    assert not np.array_equal(opened("sar_to_optical(n=2, size=33, seed=1)").load(1).clean, first.clean)


def test_grey_radar_files_are_partners_of_coloured_ones(tmp_path: Path) -> None:
    for folder, shape in (("optical", (9, 8, 3)), ("radar", (9, 8))):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "a.png"), np.arange(math.prod(shape), dtype=np.uint8).reshape(shape))
    sample = opened(f"pairs(clean='{tmp_path / 'optical'}', noisy='{tmp_path / 'radar'}')").load(0)
    assert sample.noisy.shape == sample.clean.shape == (9, 8, 3) and np.ptp(sample.noisy, axis=2).max() == 0


def test_shares_fall_as_a_cosine_from_the_picture_to_noise() -> None:
    levels = torch.arange(LEVELS + 1)
    share, spread = shares(levels, draw(1).double())
    torch.testing.assert_close(share**2 + spread**2, torch.ones(LEVELS + 1).double())
    assert float(share[0]) == 1 and float(spread[0]) == 0 and float(share[500] ** 2) == pytest.approx(0.49384, abs=1e-5)
    assert (share.diff() < 0).all() and float(share[-1]) == pytest.approx(4.928e-5, abs=1e-8)
    assert spaced(4) == [1000, 750, 500, 250, 0] and spaced(1) == [1000, 0]


def test_without_noise_x_is_the_picture_and_in_noise_alone_all_is_the_networks_and_no_gain_is_above_1() -> None:
    assert [float(one) for one in reading(0, draw(1))] == [1, 0] and float(reach(0, draw(1))) == 0
    assert [float(one) for one in reading(LEVELS, draw(1))] == [pytest.approx(0, abs=1e-6), 1]
    share, _ = shares(levels := torch.arange(LEVELS + 1), draw(1).double())
    kept, taken = reading(levels, draw(1).double())
    torch.testing.assert_close(kept * share + taken, torch.ones(LEVELS + 1).double())  # the picture is left as it is
    assert kept.min() >= 0 and kept.max() == 1 and taken.min() == 0 and taken.max() <= 1
    network, x, y = net("conditional_diffusion"), draw(2, 3, 9, 7), draw(2, 3, 9, 7, seed=1)
    assert torch.equal(network.clean_in(x, y, 0), x)
    assert torch.equal(network.clean_in(x, y, torch.tensor([0, 20]).reshape(2, 1, 1, 1))[0], x[0])


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_a_network_that_makes_what_is_due_leads_to_the_truth_in_any_number_of_steps(steps: int) -> None:
    """Due is what the picture wants beside its part of x; a residual network has added that to x."""
    network, y = net("conditional_diffusion").double(), draw(2, 3, 9, 7).double()
    clean, noise = draw(2, 3, 9, 7, seed=1).double(), draw(2, 3, 9, 7, seed=2).double()
    levels = iter(spaced(steps))

    def made(given: torch.Tensor) -> torch.Tensor:
        x = given[:, :3]
        kept, taken = reading(next(levels), x)
        return torch.cat([x + (clean - kept * x) / taken, given[:, 3:]], dim=1)

    network.within.forward = made
    torch.testing.assert_close(2 * network.restored(y, steps, lambda like: noise) - 1, clean)


def test_pictures_that_deviate_by_grain_from_what_the_network_makes_end_with_that_grain() -> None:
    """One step gives the mean, of which the network knows; many lead where the flow of that normal law does."""
    network, y, mean = net("conditional_diffusion").double(), draw(1, 3, 9, 7).double(), 0.2
    noise = draw(1, 3, 9, 7, seed=2).double()
    network.within.forward = lambda given: torch.cat([given[:, :3] + mean, given[:, 3:]], dim=1)

    def restored(steps: int) -> torch.Tensor:
        return 2 * network.restored(y, steps, lambda like: noise) - 1

    torch.testing.assert_close(restored(1), torch.full_like(y, mean), rtol=0, atol=1e-3)
    torch.testing.assert_close(restored(1000), mean + GRAIN * noise, rtol=0, atol=0.004)


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_an_oracle_comes_to_the_clean_picture_in_any_number_of_steps(steps: int) -> None:
    clean, noise = draw(2, 3, 5, 5).double(), draw(2, 3, 5, 5, seed=1).double()
    torch.testing.assert_close(ddim(lambda x, level: clean, noise, spaced(steps)), clean)
    x = noised(clean, noise, 700)
    torch.testing.assert_close(step_down(x, clean, 700, 300), noised(clean, noise, 300))
    torch.testing.assert_close(step_down(x, draw(2, 3, 5, 5, seed=2).double(), 700, 700), x)  # whatever is seen


def test_steps_of_a_gaussian_end_where_its_flow_does() -> None:
    """Of pictures N(m, s²) the flow's end is known: m + s times the noise; 500 steps come near, 1 gives the mean."""
    mean, deviation, noise = 0.2, 0.5, draw(64).double()

    def clean_in(x: torch.Tensor, level: int) -> torch.Tensor:
        share, spread = shares(level, x)
        gain = share * deviation**2 / (share**2 * deviation**2 + spread**2)
        return mean + gain * (x - share * mean)

    torch.testing.assert_close(ddim(clean_in, noise, spaced(500)), mean + deviation * noise, rtol=0, atol=0.02)
    torch.testing.assert_close(ddim(clean_in, noise, [LEVELS, 0]), torch.full((64,), mean).double(), rtol=0, atol=0.02)


def test_the_diffusion_is_given_x_the_degraded_picture_and_its_level() -> None:
    network = net("conditional_diffusion", ", steps=2").eval()
    seen: list[torch.Tensor] = []
    network.within.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    y = draw(2, 3, 9, 7)
    assert network(y).shape == y.shape and len(seen) == 2
    torch.testing.assert_close(seen[0][:, 3:6], 2 * y - 1)
    assert [tuple(one[0, 6:, 0, 0].tolist()) for one in seen] == [
        pytest.approx([float(one) for one in shares(level, y)]) for level in (1000, 500)
    ]
    assert torch.equal(network(y), network(y))
    with pytest.raises(nb.UsageError, match="shape of its input"):
        made = bind("conditional_diffusion", "arch")
        made.entry.obj((1, 8, 8), (3, 8, 8), **made.kwargs)


def test_the_objective_ddpm_is_least_for_the_true_picture_and_asks_for_its_network() -> None:
    batch, network = a_batch(), net("conditional_diffusion")
    assert float(loss_of("ddpm", network, batch).detach()) > 0.1
    network.clean_in = lambda x, degraded, level: 2 * batch["wanted"] - 1
    assert float(loss_of("ddpm", network, batch)) == 0
    with pytest.raises(nb.UsageError, match="objective ddpm .*arch=conditional_diffusion"):
        loss_of("ddpm", torch.nn.Conv2d(3, 3, 1), batch)


def test_at_level_0_the_consistency_function_is_the_identity_exactly_whatever_the_network() -> None:
    network, x, y = net(), draw(2, 3, 9, 7), draw(2, 3, 9, 7, seed=1)
    assert torch.equal(network.clean_at(x, y, 0), x)
    levels = torch.tensor([0, 20]).reshape(2, 1, 1, 1)
    both = network.clean_at(x, y, levels)
    assert torch.equal(both[0], x[0]) and not torch.equal(both[1], x[1])
    torch.testing.assert_close(network.clean_at(x, y, 1000), network.clean_in(x, y, 1000))  # there it is all network's


def test_without_a_teacher_the_lower_place_is_aimed_at_without_gradient_and_the_lowest_is_the_truth() -> None:
    batch, network = a_batch(), net()
    calls: list[bool] = []
    network.within.register_forward_pre_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    loss_of("consistency", network, batch).backward()
    assert calls == [False, True]
    # With one place the aim is the picture: the loss of a network that sees it is that of its rounding alone.
    network.clean_in = lambda x, degraded, level: 2 * batch["wanted"] - 1
    assert float(loss_of("consistency(places=1, loss=l1)", network, batch)) < 1e-6
    with pytest.raises(nb.UsageError, match="objective consistency .*arch=consistency"):
        loss_of("consistency", torch.nn.Conv2d(3, 3, 1), batch)


def test_the_student_begins_as_its_teacher_and_aims_where_a_step_of_it_leads(teacher: Any) -> None:
    one, student = part(places=1), net()
    one.prepare(student)
    batch = one.batch(a_batch(), 0, 3)
    for name, value in teacher.state_dict().items():
        assert torch.equal(student.state_dict()[name], value)
    assert batch["level"].flatten().tolist() == [1000, 1000] and not batch["aim"].requires_grad
    # From the last level one step leads to level 0, where the aim is what the teacher sees.
    torch.testing.assert_close(batch["aim"], teacher.clean_in(batch["x"], batch["given"], 1000))


def test_gradients_reach_the_student_alone_and_the_mean_follows_it(teacher: Any) -> None:
    one, student = part(decay=0.75), net()
    one.prepare(student)
    batch = one.batch(a_batch(), 0, 3)
    loss = one.loss(student, loss_of("consistency", student, batch), 0, 3)
    loss.backward()
    assert all(weight.grad is not None for weight in student.parameters())
    others = [*one.aiming.parameters(), *one.judge.parameters(), *one.teacher.parameters()]
    assert all(weight.grad is None for weight in others)
    before, judged = [w.clone() for w in one.aiming.parameters()], [w.clone() for w in one.judge.parameters()]
    gradients = [weight.grad.clone() for weight in student.parameters()]
    with torch.no_grad():
        for weight in student.parameters():
            weight += 1
    one.after_step(student, 0, 3)
    for mean, was, weight in zip(one.aiming.parameters(), before, student.parameters(), strict=True):
        torch.testing.assert_close(mean, 0.75 * was + 0.25 * weight)
    assert all(torch.equal(w.grad, g) for w, g in zip(student.parameters(), gradients, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.judge.parameters(), judged, strict=True))


def test_a_weight_of_0_is_no_judge_and_the_loss_of_the_objective_alone(teacher: Any) -> None:
    one, student = part(adversary=0.0), net()
    one.prepare(student)
    loss = loss_of("consistency", student, one.batch(a_batch(), 0, 3))
    assert one.loss(student, loss, 0, 3) is loss and one.judge is None
    one.after_step(student, 0, 3)


def test_what_cannot_be_distilled_is_said_in_one_line(teacher: Any) -> None:
    one = part()
    one.prepare(bind("consistency(of=dncnn(depth=2, width=5, norm=false))", "arch").entry.obj(
        SHAPE, SHAPE, of=bind("dncnn(depth=2, width=5, norm=false)", "arch")
    ))  # fmt: skip
    with pytest.raises(nb.UsageError, match="part consistency_distillation: .* same of="):
        one.batch(a_batch(), 0, 3)
    alone = part()
    alone.prepare(net())
    alone.batch(a_batch(), 0, 3)
    with pytest.raises(nb.UsageError, match="objective=consistency"):
        alone.loss(None, torch.zeros(()), 0, 3)
    wrong = part(teacher=bind("nlm", "method"))
    wrong.prepare(net())
    with pytest.raises(nb.UsageError, match=r"the teacher is trained\(arch=conditional_diffusion"):
        wrong.batch(a_batch(), 0, 3)


def test_a_judge_that_cannot_tell_doubts_and_errs_by_log_2() -> None:
    judge, y = Judge(3, 4), draw(2, 3, 13, 9)
    with torch.no_grad():
        for weight in judge.parameters():
            weight.zero_()
    assert float(judge.doubt(y, y)) == pytest.approx(math.log(2))
    assert float(judge.mistakes(y, y, y).detach()) == pytest.approx(2 * math.log(2))


def test_a_distillation_that_was_stopped_ends_as_one_that_was_not(teacher: Any) -> None:
    recipe = recipe_of(bind(STUDENT, "method").kwargs)
    batches = [{k: v.numpy() for k, v in a_batch(side=12).items()} for _ in range(3)]
    whole = Trainer(recipe, SHAPE, SHAPE, 0, "cpu")
    halves = [whole.snapshot()]
    for batch in batches:
        whole.advance(batch)
        halves.append(whole.snapshot())
    for step, snapshot in enumerate(halves):
        again = Trainer(recipe, SHAPE, SHAPE, 0, "cpu")
        again.resume(snapshot)
        for batch in batches[step:]:
            again.advance(batch)
        assert again.weights() == whole.weights()
    names = {name.partition(".")[0] for name in whole.net.state_dict()}
    assert names == {"within"}  # neither the mean nor the judge is part of what is used


@pytest.mark.parametrize(("method", "trained", "noises"), [("ddim", TEACHER, 1), ("acd", STUDENT, 4)])
def test_the_methods_take_their_networks_in_any_number_of_calls(method: str, trained: str, noises: int) -> None:
    def restored(steps: int, key: bytes, channels: int = 3, average: int = 1) -> Any:
        restorer = nb.Restorer(bind(f"{method}(method={trained}, steps={steps}, average={average})", "method"))
        network = net("conditional_diffusion" if method == "ddim" else "consistency").eval()
        restorer.instance.inner.instance.use(network, SHAPE)
        calls: list[int] = []
        network.within.register_forward_pre_hook(lambda *_: calls.append(1))
        drawn = itertools.count()
        kept, network.restored = network.restored, lambda y, n, d: kept(y, n, lambda like: (next(drawn), d(like))[1])
        noisy = np.random.default_rng(0).uniform(size=(9, 7, channels)).astype(np.float32)
        return restorer.restore(noisy, nb.Info(key=key)), len(calls), next(drawn)

    one, calls, drawn = restored(4, b"a")
    assert one.shape == (9, 7, 3) and calls == 4 and drawn == noises
    np.testing.assert_array_equal(one, restored(4, b"a")[0])
    assert not np.array_equal(one, restored(4, b"b")[0]) and not np.array_equal(one, restored(5, b"a")[0])
    assert restored(2, b"a", channels=1)[0].shape == (9, 7, 1)
    assert restored(2, b"a", average=3)[1] == 6


def test_networks_of_another_kind_are_refused_before_anything_is_trained() -> None:
    for method, wrong in (("ddim", STUDENT), ("acd", TEACHER), ("ddim", "trained"), ("acd", "nlm")):
        with pytest.raises(nb.UsageError, match=f"{method} takes trained"):
            method_flags(bind(f"{method}(method={wrong})", "method"))
    tuned = f"tuned(method={STUDENT}, vary='optimizer.lr', over=(0.001, 0.01))"
    for spec in (f"ddim(method={TEACHER})", f"acd(method={STUDENT})", f"acd(method={tuned})"):
        flags = method_flags(bind(spec, "method"))
        assert flags["blind"] and flags["trained_on"] == ["sar_to_optical(n=8, size=16)"]


def test_color_shift_sees_a_cast_that_leaves_the_brightness() -> None:
    clean = np.full((4, 5, 3), 100, np.uint8)
    cast = clean + np.array([3, 0, 253], np.uint8)  # 3 more red, 3 less blue
    both = nb.score(cast, clean, ("mean_shift", "color_shift"))
    assert both == {"mean_shift": pytest.approx(0), "color_shift": pytest.approx(math.sqrt(6))}
    assert nb.score(clean[:, :, 0] + 2, clean[:, :, 0], "color_shift") == {"color_shift": pytest.approx(2)}
