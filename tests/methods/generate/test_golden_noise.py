"""Moved noise: the step down and back beside its formula, the network at its start, pairs that are kept, refusals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.methods.generate._moving import down_and_back
from noisebench.methods.generate._npnet import NPNet, decomposed
from noisebench.methods.generate._preference import Preference
from noisebench.track.calling import call_on
from noisebench.tracks.generate import Denoiser

TRACK = get_track("generate")
SET = "gaussian_digits(n=2, count=12, reference=20, trained=20{})"
TWO = "two_pictures"
SAMPLER = f"ddim(model=guided(model={TWO}, weight=1), steps=4, most=10)"
QUICK = "classes=2, count=40, steps=3"
LABELS = np.arange(12) % 2


@nb.method(TWO, track="generate")
class TwoPictures:
    """The exact model of two normal laws, of upper and of lower halves; with `spread` 0 of one picture a class."""

    given: ClassVar[tuple[int, ...]] = (1, 8, 8)

    def __init__(self, *, spread: float = 0.3) -> None:
        self.pictures, self.variance = torch.full((2, 1, 8, 8), -0.5, dtype=torch.float64), spread**2
        self.pictures[0, :, :4], self.pictures[1, :, 4:] = 0.5, 0.5

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        total = sigma**2 + self.variance
        off = x[:, None].double() - self.pictures
        share = (-off.square().flatten(2).sum(dim=2) / (2 * total)).softmax(dim=1)
        if labels is not None:
            own = torch.nn.functional.one_hot(labels.clamp(min=0), 2).double()
            share = torch.where((labels >= 0)[:, None], own, share)
        mean = (share @ self.pictures.flatten(1)).reshape(x.shape)
        return (mean + self.variance / total * (x - mean)).to(x.dtype)


@nb.method("upper_half", track="classify")
class UpperHalf:
    """How much brighter one half is than the other; `sign` -1 prefers what does not show the class."""

    def __init__(self, *, sign: float = 1.0) -> None:
        self.sign = sign

    def classify(self, picture: Any, info: Any) -> Any:
        more = picture[:, :, :4].mean(dim=(1, 2, 3)) - picture[:, :, 4:].mean(dim=(1, 2, 3))
        return self.sign * torch.stack([more, -more], dim=1)


@nb.method("of_two_minds", track="classify")
class OfTwoMinds:
    def classify(self, picture: Any, info: Any) -> Any:
        return torch.zeros(len(picture), 2)


@nb.method("keeps_shape_to_itself", track="generate")
class KeepsShape:
    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return 0 * x


@nb.method("blind_to_classes", track="generate")
class BlindToClasses:
    given: ClassVar[tuple[int, ...]] = (1, 8, 8)

    def denoised(self, x: Any, sigma: Any, labels: Any) -> Any:
        return x / (1 + sigma**2)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "golden-cache"))
    yield


def item(more: str = ", labels=true") -> Any:
    made = nb.open_dataset(bind(SET.format(""), "dataset", "generate")).load(0)
    return made if not more else type(made)(made.id, made.count, made.reference, LABELS.copy(), made.law)


def ready(method: str) -> Any:
    runner = TRACK.open(bind(method, "method", "generate"))
    runner.setup("cpu")
    return runner


def drawn(method: str, of: Any = None, seed: int = 0) -> Any:
    case = TRACK.pose(bind("none", "regime", "generate"), of or item(), seed)
    return call_on(ready(method), case, "cpu")[0]


def noise(count: int = 5, shape: tuple[int, ...] = (1, 8, 8), seed: int = 3) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((count, *shape))).float()


def golden(more: str = "", sampler: str = SAMPLER) -> str:
    return f"golden_noise(sampler={sampler}, preference=upper_half, {QUICK}{more})"


# ------------------------------------------------------------------------------- a step down and back


def model() -> Denoiser:
    made = Denoiser(bind(f"{TWO}(spread=0)", "method", "generate"))
    made.setup("cpu")
    return made


def test_the_push_is_along_the_picture_of_the_class_less_that_of_none() -> None:
    """The class's picture is the same at both levels here, so that the formula holds with no error of steps."""
    z, labels, high, low = noise(), torch.tensor([0, 1, 1, 0, 1]), 10.0, 6.0
    made = down_and_back(model(), z, labels, (high, low), 5.5, 1.0)
    own, x = model().instance.pictures[labels], high * z.double()
    without = model()(x, high, None)
    due = z + (1 / low - 1 / high) * (without + 5.5 * (own - without) - own)
    torch.testing.assert_close(made, due)
    # 4.5 times the picture of the class less that of none, as the entry has it.
    torch.testing.assert_close(made - z, 4.5 * (1 / low - 1 / high) * (own - without))


def test_a_step_back_with_the_same_guidance_leaves_the_noise_of_a_class() -> None:
    z, labels = noise(), torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(down_and_back(model(), z, labels, (10.0, 6.0), 1.0, 1.0), z.double())


def test_denoise_invert_asks_three_times_more_and_its_noise_is_what_is_computed() -> None:
    plain, made = drawn(SAMPLER), drawn(f"denoise_invert(sampler={SAMPLER})")
    assert (plain["evaluations"], made["evaluations"]) == (4, 7)
    shown = drawn(f"moved_noise(of=denoise_invert(sampler={SAMPLER}))")["samples"]
    inner = ready(SAMPLER).instance
    asked = inner.model.instance.model
    z = torch.from_numpy(TRACK.pose(bind("none", "regime", "generate"), item(), 0).given)
    due = down_and_back(asked, z, torch.from_numpy(LABELS), (inner.levels[0], inner.levels[1]), 5.5, 1.0)
    np.testing.assert_allclose(shown, due.float().numpy(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(made["samples"], inner.sample(due, nb.Info({"labels": LABELS})).numpy(), atol=1e-5)
    beside = drawn(f"moved_noise(of=denoise_invert(sampler={SAMPLER}), beside=true)")["samples"]
    np.testing.assert_allclose(beside, due.float().numpy() - z.numpy(), rtol=0, atol=1e-6)


def test_the_guidance_of_the_sampler_has_no_part_in_the_step_down_and_back() -> None:
    weak, strong = (
        drawn(f"moved_noise(of=denoise_invert(sampler=ddim(model=guided(model={TWO}, weight={w}), steps=4, most=10)))")
        for w in (1, 7)
    )
    np.testing.assert_array_equal(weak["samples"], strong["samples"])


# ------------------------------------------------------------------------------------- the network


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 10), (2, 33, 5), (1, 1, 6)])
def test_before_it_has_learned_the_network_gives_the_noise_that_it_is_given(shape: tuple[int, ...]) -> None:
    net, z = NPNet(shape, 3), noise(4, shape)
    assert (net.a.item(), net.b.item()) == (0, 0)
    torch.testing.assert_close(net(z, torch.tensor([0, 2, -1, 1])), z, rtol=0, atol=2e-5)


def test_singular_values_are_those_of_the_noise_and_what_is_added() -> None:
    net, z = NPNet((2, 6, 5), 3), noise(3, (2, 6, 5))
    with torch.no_grad():
        net.values.change[-1].bias.copy_(torch.arange(1.0, 6.0))
    made = net(z, torch.tensor([0, 1, 2]))
    left, values, right = np.linalg.svd(z.flatten(1, 2).numpy().astype(np.float64), full_matrices=False)
    due = (left * (values + np.arange(1.0, 6.0))[:, None]) @ right
    np.testing.assert_allclose(made.detach().flatten(1, 2).numpy(), due, rtol=0, atol=1e-4)


def test_the_embedding_is_the_normalised_noise_scaled_and_shifted_by_the_class() -> None:
    net, z, labels = NPNet((1, 4, 6), 3), 5 + 2 * noise(2, (1, 4, 6)), torch.tensor([2, 0])
    made = net.embedded(z, labels)
    flat = z.flatten(1)
    plain = (flat - flat.mean(dim=1, keepdim=True)) / (flat.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
    told = net.classes[labels] @ net.told.weight.T + net.told.bias
    torch.testing.assert_close(made.flatten(1), plain * (1 + told[:, :24]) + told[:, 24:], rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        net.a.copy_(torch.tensor(math.log(3.0)))  # 2 sigmoid(a) - 1 = 1/2
    torch.testing.assert_close(net(z, labels), z + made / 2, rtol=1e-4, atol=1e-4)


def test_no_class_is_the_mean_of_all() -> None:
    net, z = NPNet((1, 4, 4), 3), noise(1, (1, 4, 4))
    each = torch.stack([net.embedded(z, torch.tensor([k])) for k in range(3)]).mean(dim=0)
    torch.testing.assert_close(net.embedded(z, torch.tensor([-1])), each)


def test_the_sign_of_singular_vectors_does_not_matter() -> None:
    left, values, right = decomposed(noise(3, (1, 5, 8)))
    assert bool((left.gather(1, left.abs().argmax(dim=1, keepdim=True)) > 0).all())
    torch.testing.assert_close(left * values[:, None] @ right, noise(3, (1, 5, 8))[:, 0], rtol=0, atol=1e-5)
    for one, other in zip(decomposed(noise(3, (1, 5, 8))), decomposed(-noise(3, (1, 5, 8))), strict=True):
        torch.testing.assert_close(one.abs(), other.abs(), rtol=0, atol=1e-4)
    torch.testing.assert_close(decomposed(-noise(3, (1, 5, 8)))[0], left, rtol=0, atol=1e-4)


# ---------------------------------------------------------------------------------------- learning


def test_only_pairs_of_which_the_preference_rises_are_kept() -> None:
    maker = ready(golden(", down=5.5")).instance
    rng = nb.keyed_generator(nb.text_key("test"))
    before, after, labels = maker._pairs(rng, "cpu", lambda done, of: None)
    assert 0 < len(before) <= 40
    sampler = ready(SAMPLER).instance
    told = nb.Info({"labels": labels.numpy()})
    prefer = Preference(bind("upper_half", "method", "classify"), 2)
    prefer.setup("cpu")
    risen = prefer(sampler.sample(after, told), labels) - prefer(sampler.sample(before, told), labels)
    assert bool((risen > 0).all())


def test_where_nothing_is_preferred_it_says_so_and_gives_no_network() -> None:
    with pytest.raises(nb.UsageError, match=r"golden_noise: none of \d+ samples .*two_pictures.*larger count"):
        ready(golden().replace("upper_half", "of_two_minds"))


def test_the_network_is_asked_once_and_no_model_more_than_without_it() -> None:
    assert drawn(golden())["evaluations"] == drawn(SAMPLER)["evaluations"] == 4


def test_it_learns_the_push_of_a_class() -> None:
    """Of a class the push hardly depends on the noise, so that a few steps find most of it."""
    spec = f"golden_noise(sampler={SAMPLER}, preference=upper_half, classes=2, count=200, steps=60, rate=0.01)"
    moved = drawn(f"moved_noise(of={spec}, beside=true)")["samples"]
    due = drawn(f"moved_noise(of=denoise_invert(sampler={SAMPLER}), beside=true)")["samples"]
    assert np.mean((moved - due) ** 2) < 0.2 * np.mean(due**2)


def test_it_is_learned_once_and_again_where_the_model_the_preference_or_a_choice_is_another(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = "golden_noise: made now, once"
    first = ready(golden(", rate=0.002")).instance
    assert made in capsys.readouterr().err
    again = ready(golden(", rate=0.002")).instance
    assert made not in capsys.readouterr().err
    for one, other in zip(first.net.parameters(), again.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert first.kept == again.kept
    ready(golden(", rate=0.003"))
    assert made in capsys.readouterr().err
    ready(golden(", rate=0.002").replace("upper_half", "upper_half(sign=2)"))
    assert made in capsys.readouterr().err
    whole = TwoPictures.denoised
    monkeypatch.setattr(TwoPictures, "denoised", lambda self, *given: 0.9 * whole(self, *given))
    ready(golden(", rate=0.002"))
    assert made in capsys.readouterr().err


def test_no_noise_of_training_is_that_of_a_test() -> None:
    seen = list[Any]()

    maker = ready(golden(", rate=0.004")).instance
    keys = [nb.text_key(f"golden_noise|{number}") for number in range(2)]
    for key in keys:
        seen.append(maker._pairs(nb.keyed_generator(key), "cpu", lambda done, of: None)[0])
    rows = {row.tobytes() for row in torch.cat(seen).numpy()}
    assert len(rows) == sum(map(len, seen))
    for seed in range(3):
        given = TRACK.pose(bind("none", "regime", "generate"), item(), seed).given
        assert not rows & {row.tobytes() for row in given}


def test_another_sampler_may_be_what_it_learns_from() -> None:
    other = f"euler(model={TWO}, steps=9, schedule=cosine, most=20)"
    learned = ready(golden(f", pairs_of={other}")).instance
    assert learned.between == (ready(other).instance.levels[0], ready(other).instance.levels[1])
    assert drawn(golden(f", pairs_of={other}"))["evaluations"] == 4


# ------------------------------------------------------------------------------------ the best of n


def test_the_best_of_n_is_the_preferred_one_and_costs_n_times() -> None:
    sampler = "ddim(model=blind_to_classes, steps=2, most=3, eta=1)"
    one, many = (drawn(f"best_of(sampler={sampler}, preference=upper_half, n={n}, classes=2)") for n in (1, 6))
    assert (one["evaluations"], many["evaluations"]) == (2, 12)
    np.testing.assert_array_equal(one["samples"], drawn(sampler)["samples"])

    def shown(samples: Any) -> Any:
        more = samples[:, 0, :4].clip(-1, 1).mean(axis=(1, 2)) - samples[:, 0, 4:].clip(-1, 1).mean(axis=(1, 2))
        return np.where(LABELS == 0, more, -more)

    assert bool((shown(many["samples"]) >= shown(one["samples"]) - 1e-6).all())
    assert shown(many["samples"]).mean() > shown(one["samples"]).mean()


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("method", "problem"),
    [
        (f"golden_noise(sampler=ddim(model={TWO}, steps=1), preference=upper_half)", "two steps or more"),
        (f"golden_noise(sampler={TWO}, preference=upper_half)", "not a sampler"),
        ("golden_noise(sampler=identity, preference=upper_half)", "goes down no levels of noise"),
        (f"golden_noise(sampler={SAMPLER}, preference=oracle)", "oracle needs the truth"),
        (f"golden_noise(sampler={SAMPLER}, preference=upper_half, pairs_of=({SAMPLER}, {SAMPLER}))", "name one"),
        (golden(sampler="ddim(model=keeps_shape_to_itself, steps=3)"), "does not say the shape of its pictures"),
        (f"denoise_invert(sampler=ddim(model={TWO}, steps=1))", "two steps or more"),
        (f"moved_noise(of={SAMPLER})", "moves no noise"),
    ],
)
def test_what_cannot_be_moved_is_refused_in_one_line(method: str, problem: str) -> None:
    with pytest.raises(nb.UsageError, match=problem) as caught:
        ready(method)
    assert "\n" not in str(caught.value)


def test_without_classes_noise_is_moved_by_the_mean_and_rivals_skip() -> None:
    assert drawn(golden(sampler=f"ddim(model={TWO}, steps=4)"), item(""))["samples"].shape == (12, 1, 8, 8)
    for rival in (
        f"denoise_invert(sampler={SAMPLER})",
        f"best_of(sampler={SAMPLER}, preference=upper_half, classes=2)",
    ):
        with pytest.raises(nb.Skip, match="labels=true"):
            drawn(rival, item(""))


def test_a_class_that_is_not_known_and_noise_of_another_shape_are_refused() -> None:
    method = ready(golden()).instance
    with pytest.raises(nb.UsageError, match="class 2 .*classes=2: give"):
        method.moved(noise(), nb.Info({"labels": np.array([0, 1, 2, 0, 1])}))
    with pytest.raises(nb.Skip, match=r"learned of noise \(1, 8, 8\), not \(1, 9, 8\)"):
        method.moved(noise(2, (1, 9, 8)), nb.Info({"labels": np.array([0, 1])}))


# -------------------------------------------------------------------------------------- confidence


def test_confidence_is_the_mean_probability_of_the_class_by_the_judge() -> None:
    text = "trained(arch=small_cnn(width=4), data=digits(split=test), steps=3, validation=20, checks=1)"
    metric = bind(f"confidence(judge={text})", "metric", "generate")
    batch = nb.open_dataset(
        bind("digits(n=1, count=6, reference=6, trained=10, labels=true)", "dataset", "generate")
    ).load(0)
    samples = 3 * noise(6).numpy()
    case = TRACK.pose(bind("none", "regime", "generate"), batch, 0)
    output = {"samples": samples, "evaluations": None}
    score = TRACK.score(output, batch, case, bind("as_is", "protocol", "generate"), [metric])[metric.display]
    net = nb.learned(bind(text, "method", "classify"), 0, "a test").net
    said = net(torch.from_numpy((samples.clip(-1, 1) + 1) / 2)).softmax(dim=1)
    assert score == pytest.approx(float(said[torch.arange(6), torch.from_numpy(batch.labels)].mean()), abs=1e-6)
    none = type(batch)(batch.id, batch.count, batch.reference, None, batch.law)
    found = TRACK.score(output, none, case, bind("as_is", "protocol", "generate"), [metric])[metric.display]
    assert isinstance(found, nb.NotDefined) and "no class" in str(found)
