"""Models for few steps: the levels they go by, what their teachers aim at, and a training of each."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import noisebench as nb
import pytest
import torch
from given_trainings import give_training
from noisebench.components.registry import bind
from noisebench.methods.generate._few_step_levels import LEAST, MOST, few_levels
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.objectives.consistency_model import SEEN, neighbours
from noisebench.track.info import Info
from noisebench.training.trainer import Trainer

NET = "arch=diffusion_unet(width=4, depth=1, classes=10)"
HOW = "batch=4, validation=8, checks=1"
TEACHER = f"trained({NET}, objective=denoise, parts=(), steps=3, {HOW})"
SHAPE = (1, 8, 8)
MEAN, SPREAD = 0.3, 0.5


def of_normal(x: Any, sigma: Any, labels: Any = None) -> Any:
    """The model of pictures whose values are N(0.3, 0.5²)."""
    return MEAN + SPREAD**2 / (SPREAD**2 + sigma**2) * (x - MEAN)


def moved(x: Any, sigma: Any, lower: Any) -> Any:
    """Where the way of these pictures leads from a level to a lower one."""
    return MEAN + (x - MEAN) * ((SPREAD**2 + lower**2) / (SPREAD**2 + sigma**2)) ** 0.5


def net(arch: str = NET) -> Any:
    made = bind(arch.removeprefix("arch="), "arch")
    torch.manual_seed(0)
    network = made.entry.obj(SHAPE, SHAPE, **made.kwargs)
    with torch.no_grad():  # what begins at 0 gives nothing yet
        for weight in network.parameters():
            weight += 0.02 * torch.randn_like(weight)
    return network


def a_batch(items: int = 6) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {"wanted": torch.rand(items, *SHAPE), "labels": torch.arange(items) % 3}


def part(spec: str) -> Any:
    made = bind(spec, "part", "generate")
    return made.entry.obj(**made.kwargs)


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The network of a teacher whose checkpoint this process has."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    recipe = recipe_of(bind(TEACHER, "method", "generate").kwargs)
    trainer = Trainer(recipe, SHAPE, SHAPE, 7, "cpu")
    trainer.net.load_state_dict(net().state_dict())
    give_training(tmp_path, TEACHER, trainer, "generate", SHAPE, SHAPE)
    return trainer.net


# ---- levels and the sampler


@pytest.mark.parametrize("steps", [1, 2, 5, 16])
def test_levels_of_half_as_many_steps_are_every_second_one(steps: int) -> None:
    few, more = few_levels(steps), few_levels(2 * steps)
    assert len(few) == steps + 1 and few[0] == MOST and few[-1] == 0.0
    assert few == pytest.approx(more[::2], rel=1e-12)
    places = [level ** (1 / 7) for level in few[:-1]] + [LEAST ** (1 / 7)]
    apart = (MOST ** (1 / 7) - LEAST ** (1 / 7)) / steps
    assert all(a - b == pytest.approx(apart) for a, b in itertools.pairwise(places))
    with pytest.raises(nb.UsageError, match=r"most=0\.002"):
        few_levels(2, 0.002)


def sampler(words: str) -> Any:
    bound = bind(f"few_steps(model=exact, {words})", "method", "generate")
    return bound.entry.obj(**bound.kwargs)


def test_one_call_gives_the_picture_seen_in_noise_alone_and_kept_noise_follows_the_way() -> None:
    start = MOST * torch.randn(2, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for noise in ("anew", "kept"):
        made = sampler(f"steps=1, noise={noise}").walk(of_normal, start, Info({}, b"key"))
        torch.testing.assert_close(made, of_normal(start, MOST))
    errors = [
        float(
            (sampler(f"steps={n}, noise=kept").walk(of_normal, start, Info({}, b"key")) - moved(start, MOST, 0))
            .abs()
            .max()
        )
        for n in (200, 400)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1, abs=0.2)  # DDIM is of first order


def test_noise_anew_is_all_of_a_level_and_drawn_by_the_input_alone() -> None:
    def told(x: Any, sigma: float) -> Any:
        seen.append((x, sigma))
        return torch.zeros_like(x)

    seen: list[Any] = []
    start = torch.ones(64, *SHAPE, dtype=torch.float64)
    sampler("steps=3").walk(told, MOST * start, Info({}, b"key"))
    assert [sigma for _, sigma in seen] == few_levels(3)[:-1]
    for x, sigma in seen[1:]:
        assert float(x.std()) == pytest.approx(sigma, rel=0.05)
    first, seen = seen, []
    sampler("steps=3").walk(told, MOST * start, Info({}, b"key"))
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(first, seen, strict=True))


# ---- consistency models


def test_at_the_least_noise_a_picture_is_itself() -> None:
    x = torch.rand(3, *SHAPE)
    torch.testing.assert_close(SEEN(net(), x, LEAST), x, rtol=0, atol=0)
    assert float((SEEN(net(), x, 1.0) - x).detach().abs().max()) > 0.1


def test_neighbours_are_places_of_one_way() -> None:
    held = neighbours(a_batch(200), 5, 0.0)
    ladder = torch.tensor([*few_levels(4)[:-1], LEAST])
    assert set(held["sigma"].unique().tolist()) == set(ladder[:-1].tolist())
    for sigma, lower in zip(held["sigma"].flatten(), held["lower"].flatten(), strict=True):
        assert int((ladder == lower).nonzero()) == int((ladder == sigma).nonzero()) + 1
    torch.testing.assert_close(
        held["x"] - held["sigma"] * held["noise"], 2 * a_batch(200)["wanted"] - 1, atol=1e-4, rtol=0
    )
    assert torch.equal(held["labels"], a_batch(200)["labels"])
    dropped = neighbours(a_batch(200), 5, 0.5)["labels"]
    assert 0.3 < float((dropped < 0).float().mean()) < 0.7


def loss_of(objective: str, network: Any, batch: Any) -> Any:
    made = bind(objective, "objective")
    torch.manual_seed(0)
    return made.entry.obj(network, batch, **made.kwargs)


def test_without_a_teacher_the_lower_place_is_aimed_at_without_gradient() -> None:
    network, calls = net(), []
    network.register_forward_pre_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    loss_of("consistency_model", network, a_batch()).backward()
    assert calls == [False, True] and all(weight.grad is not None for weight in network.last.parameters())
    # With two places the lower one has the least noise: the aim is the picture but for that noise.
    network = net()
    held = neighbours(a_batch(), 2, 0.0)
    torch.manual_seed(0)
    made = SEEN(network, held["x"], held["sigma"], held["labels"])
    loss = loss_of("consistency_model(places=2, drop=0.0, loss=l1)", network, a_batch())
    assert loss.item() == pytest.approx(float((made - (2 * a_batch()["wanted"] - 1)).detach().abs().mean()), abs=0.01)


def test_the_student_begins_as_its_teacher_who_steps_along_the_way(teacher: Any) -> None:
    one, student = (
        part(f"consistency_teacher(teacher={TEACHER}, places=200)"),
        net("diffusion_unet(width=4, depth=1, classes=10)"),
    )
    torch.nn.init.zeros_(student.last[2].weight)
    one.prepare(student)
    one.batch(a_batch(), 0, 3)
    for name, value in teacher.state_dict().items():
        assert torch.equal(student.state_dict()[name], value)
    # A teacher that knows the law: Heun's step is near the way.
    one.seen = of_normal
    held = neighbours(a_batch(100), 200, 0.1)
    due = moved(held["x"], held["sigma"], held["lower"])
    torch.testing.assert_close(one._step_down(held), due, rtol=2e-3, atol=2e-3)


def test_the_mean_follows_the_student_and_is_kept(teacher: Any) -> None:
    spec = f"consistency_teacher(teacher={TEACHER}, decay=0.75)"
    one, student = part(spec), net()
    one.prepare(student)
    one.batch(a_batch(), 0, 3)
    before = [weight.clone() for weight in one.aiming.parameters()]
    with torch.no_grad():
        for weight in student.parameters():
            weight += 1
    one.after_step(student, 0, 3)
    for mean, was, weight in zip(one.aiming.parameters(), before, student.parameters(), strict=True):
        torch.testing.assert_close(mean, 0.75 * was + 0.25 * weight)
    again = part(spec)
    again.prepare(student)
    again.load(one.state())
    held = [w.clone() for w in student.parameters()]
    again.batch(a_batch(), 1, 3)
    assert all(torch.equal(a, b) for a, b in zip(one.aiming.parameters(), again.aiming.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(student.parameters(), held, strict=True)), "it goes on as it was"


# ---- progressive distillation


def test_one_step_to_the_aim_leads_where_two_steps_of_the_teacher_do(teacher: Any) -> None:
    one = part(f"progressive_teacher(teacher={TEACHER}, begin=8, end=1)")
    one.seen = of_normal
    one.begun = True
    one.prepare(net())
    torch.manual_seed(2)
    held = one.batch(a_batch(50), 0, 30)
    ladder = few_levels(8)
    assert set(held["sigma"].flatten().tolist()) <= set(torch.tensor(ladder[:-1:2]).tolist())
    for x, sigma, aim in zip(held["x"], held["sigma"].flatten().tolist(), held["aim"], strict=True):
        place = min(range(8), key=lambda i: abs(ladder[i] - sigma))
        middle, lower = ladder[place + 1], ladder[place + 2]
        half = of_normal(x, sigma) + middle / sigma * (x - of_normal(x, sigma))
        end = of_normal(half, middle) + lower / middle * (half - of_normal(half, middle))
        torch.testing.assert_close(aim + lower / sigma * (x - aim), end, rtol=1e-4, atol=1e-4)


def test_each_round_halves_the_steps_and_is_taught_by_the_round_before(teacher: Any) -> None:
    spec = f"progressive_teacher(teacher={TEACHER}, begin=8, end=2)"
    one, student = part(spec), net()
    one.prepare(student)
    assert one.rounds == 2
    one.batch(a_batch(), 0, 10)
    assert one.before is None
    with torch.no_grad():
        student.last[2].bias += 1
    held = one.batch(a_batch(), 5, 10)
    assert torch.equal(one.before.last[2].bias, student.last[2].bias)
    assert set(held["sigma"].flatten().tolist()) <= set(torch.tensor(few_levels(4)[:-1:2]).tolist())
    again = part(spec)
    again.prepare(student)
    again.load(one.state())
    assert again.round == 1 and torch.equal(again.before.last[2].bias, one.before.last[2].bias)
    assert not any(weight.requires_grad for weight in again.before.parameters())


@pytest.mark.parametrize(("begin", "end"), [(16, 3), (12, 8), (4, 4), (2, 4)])
def test_rounds_that_do_not_halve_are_refused(begin: int, end: int) -> None:
    with pytest.raises(nb.UsageError, match=f"begin={begin} is not end={end} doubled"):
        part(f"progressive_teacher(teacher={TEACHER}, begin={begin}, end={end})")


def test_more_rounds_than_steps_are_refused(teacher: Any) -> None:
    one = part(f"progressive_teacher(teacher={TEACHER}, begin=16, end=1)")
    with pytest.raises(nb.UsageError, match="progressive_teacher: 4 rounds .*give steps=4, not 3"):
        one.batch(a_batch(), 0, 3)


@pytest.mark.parametrize("name", ["consistency_teacher", "progressive_teacher"])
def test_a_teacher_or_student_of_another_kind_is_refused(name: str, teacher: Any) -> None:
    one = part(f"{name}(teacher={TEACHER})")
    one.prepare(net("diffusion_unet(width=8, depth=1, classes=10)"))
    with pytest.raises(nb.UsageError, match=f"part {name}: .* same arch="):
        one.batch(a_batch(), 0, 10)
    other = part(f"{name}(teacher=exact)")
    other.prepare(net())
    with pytest.raises(nb.UsageError, match=f"part {name}: the teacher is trained"):
        other.batch(a_batch(), 0, 10)


# ---- as a user runs them


def test_each_is_distilled_after_its_teacher_and_sampled_in_few_calls(cli: Any, tmp_path: Path) -> None:
    methods = [
        f"few_steps(model=trained({NET}, objective={objective}, parts={name}(teacher={TEACHER}{more}), steps=4, "
        f"{HOW}), steps={{1,2}}, noise={noise})"
        for objective, name, more, noise in (
            ("consistency_model", "consistency_teacher", "", "anew"),
            ("progressive", "progressive_teacher", ", begin=4", "kept"),
        )
    ]
    text = "suite: few\ntrack: generate\nmethods:\n" + "".join(f"  - {method!r}\n" for method in methods)
    (tmp_path / "few.yaml").write_text(text + 'datasets: ["digits(n=2, count=4)"]\nregimes: [none]\nmetrics: [nfe]\n')
    said = cli("run", "few.yaml", "--store", "store")
    assert said.returncode == 0, said.stdout + said.stderr
    assert "7 cells: 7 ok" in said.stdout  # a teacher, two students, four rows
