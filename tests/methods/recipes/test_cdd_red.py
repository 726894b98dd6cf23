"""CDD-RED: attacks that succeeded as sets, its objective, the frozen classifier, and what a denoiser took away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from given_trainings import give_training
from noisebench.claims.reproduce import in_rounds
from noisebench.components.registry import bind, registry
from noisebench.datasets.classify._adversarial import attack
from noisebench.planning.plan import plan
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.objectives._attack import margin
from noisebench.recipes.objectives.cdd_red import survived, transformed, windows
from noisebench.recipes.parts.frozen_classifier import classifier_of
from noisebench.suite.suite import Suite
from noisebench.training.trainer import Trainer

CLASSIFIER = "trained(arch=mlp(hidden=(16,)), steps=40, checks=1)"
ATTACKS = f"classifier={CLASSIFIER}, eps=0.2, steps=4"
PAIRS = f"adversarial_examples(of=digits(n=40), {ATTACKS}, kinds=(fgsm, pgd))"
DENOISER = (
    f"trained(arch=dncnn(depth=2, width=2), data=adversarial_examples(of=digits(split=train, n=60), {ATTACKS}), "
    f"regime=real, objective=cdd_red, parts=frozen_classifier(of={CLASSIFIER}), crop=8, batch=4, validation=2, "
    "steps=2, checks=1, draws=fixed, precision=float32)"
)


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of their own for what is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def opened(spec: str, track: str = "classify") -> Any:
    return nb.open_dataset(bind(spec, "dataset", track))


def items(spec: str, track: str = "classify") -> list[Any]:
    dataset = opened(spec, track)
    return [dataset.load(index) for index in range(len(dataset.ids))]


def unit(picture: Any) -> Any:
    """A picture on [0, 1], float32."""
    whole = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    return (picture / whole).astype(np.float32)


def tensor(pictures: Any) -> torch.Tensor:
    return torch.from_numpy(np.stack([unit(one) for one in pictures]))[:, None]


def the_classifier() -> Any:
    return nb.learned(bind(CLASSIFIER, "method", "classify"), 0, "here").net


# ---- sets of attacks


def test_a_set_has_the_attacks_that_succeeded_labelled_by_what_the_classifier_says() -> None:
    clean, attack_, pairs = items(PAIRS), items(PAIRS[:-1] + ", label=attack)"), items(PAIRS, "restore")
    net, whole = the_classifier(), {one.id: one for one in items("digits(n=40)")}
    assert 0 < len(clean) < 40 and [one.id for one in clean] == [one.id for one in attack_] == [one.id for one in pairs]
    true = tensor([whole[one.id].picture for one in clean])
    seen = tensor([one.picture for one in clean])
    assert net(true).argmax(1).tolist() == [one.label for one in clean]
    assert net(seen).argmax(1).tolist() == [one.label for one in attack_]
    assert all(a.label != b.label for a, b in zip(clean, attack_, strict=True))
    assert float((seen - true).abs().max()) <= 0.2 + 1e-6
    for labelled, pair in zip(clean, pairs, strict=True):
        assert np.array_equal(pair.noisy, labelled.picture) and np.array_equal(pair.clean, labelled.clean)
        assert np.array_equal(pair.clean, whole[pair.id].picture)


def test_pictures_are_attacked_whose_class_the_classifier_gets_wrong_and_none_that_withstood() -> None:
    net, all_of = the_classifier(), items("digits(n=40)")
    given = tensor([one.picture for one in all_of])
    said = net(given).argmax(1)
    assert any(int(a) != one.label for a, one in zip(said, all_of, strict=True))  # or the next line shows nothing
    there = {one.id: one.label for one in items(PAIRS)}
    assert any(one.label != there[one.id] for one in all_of if one.id in there)
    for turn, kind in enumerate(("fgsm", "pgd")):
        found = attack(net, given[turn::2], said[turn::2], kind, 0.2, "linf", 4)
        for one, moved in zip(all_of[turn::2], net(found).argmax(1) != said[turn::2], strict=True):
            assert (one.id in there) == bool(moved)


def test_the_strongest_attack_has_the_least_margin_and_one_step_of_fgsm_goes_all_the_way() -> None:
    net, given = the_classifier(), tensor([one.picture for one in items("digits(n=40)")])
    said = net(given).argmax(1)
    margins = {
        kind: margin(net(attack(net, given, said, kind, 0.1, "linf", 4)), said)  # type: ignore[arg-type]
        for kind in ("fgsm", "pgd", "cw", "strongest")
    }
    assert (margins["strongest"] <= torch.minimum(margins["pgd"], margins["cw"]) + 1e-6).all()
    inside = (given > 0.1) & (given < 0.9)
    change = (attack(net, given, said, "fgsm", 0.1, "linf", 4) - given)[inside].abs()
    torch.testing.assert_close(change.median(), torch.tensor(0.1))


def test_what_cannot_be_attacked_is_refused_in_one_line() -> None:
    with pytest.raises(nb.UsageError, match=r"within eps=1e-09 succeeded: give a larger eps"):
        opened(f"adversarial_examples(of=digits(n=20), classifier={CLASSIFIER}, eps=1e-9)")
    with pytest.raises(nb.UsageError, match=r"adversarial_examples: uniform .*give trained\("):
        opened("adversarial_examples(of=digits(n=20), classifier=uniform)")
    with pytest.raises(nb.UsageError, match=r"is for 10 classes of pictures \(1, 8, 8\)"):
        opened(f"adversarial_examples(of=rim_lesions(n=8), classifier={CLASSIFIER})")


# ---- transforms


def test_a_pair_is_transformed_alike_and_as_its_transform_says() -> None:
    torch.manual_seed(0)
    one = torch.rand(16, 2, 6, 9) + 1
    both = torch.stack([one, one + 10])
    for how in ("flip", "crop", "cutmix"):
        a, b = transformed(both, how)  # type: ignore[arg-type]
        assert a.shape == one.shape
        torch.testing.assert_close(torch.where(a == 0, 10, b - a), torch.full_like(a, 10))
    assert torch.equal(transformed(both, "flip")[0], one.flip(-1))
    cropped = transformed(both, "crop")[0]
    assert torch.equal(cropped[cropped != 0], one[cropped != 0])
    left = (cropped[:, 0] != 0).float()
    assert left.amax(2).sum(1).min() >= 3 and left.amax(1).sum(1).min() >= 4  # half of either side
    mixed, other = transformed(both, "cutmix")[0], one.roll(1, dims=0)
    assert (torch.isclose(mixed, one) | torch.isclose(mixed, other)).all()
    assert not torch.equal(mixed, one) and not torch.equal(mixed, other)


def test_windows_have_the_sides_that_are_asked_for_and_lie_within() -> None:
    inside = windows(torch.tensor([0.5, 1.0, 0.0]), (4, 10))
    assert inside.shape == (3, 1, 4, 10) and inside.flatten(1).sum(1).tolist() == [10, 40, 0]


# ---- the objective


class Linear(torch.nn.Module):
    """A denoiser that is told the part of a pixel that it takes away."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        return self.factor * x


def a_case() -> tuple[Any, Any, dict[str, torch.Tensor]]:
    """A denoiser, its classifier, and pairs of which the classes are what they are, by chance."""
    rng = torch.Generator().manual_seed(3)
    weight = torch.randn(12, 3, generator=rng, dtype=torch.float64)
    net, says = Linear(), lambda x: x.flatten(1) @ weight
    net.frozen_classifier = says  # type: ignore[assignment]
    given, wanted = (torch.rand(5, 1, 3, 4, generator=rng, dtype=torch.float64) for _ in range(2))
    return net, says, {"given": given, "wanted": wanted, "truth": torch.zeros(5)}


def loss_of(net: Any, batch: Any, words: str = "") -> torch.Tensor:
    made = bind(f"cdd_red{words}", "objective")
    torch.manual_seed(1)
    loss: torch.Tensor = made.entry.obj(net, batch, **made.kwargs)
    return loss


def entropy(logits: Any, classes: Any) -> float:
    """Mean cross-entropy by hand."""
    z = np.asarray(logits.detach())
    return float(np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), np.asarray(classes)]))


def test_the_loss_is_that_of_the_paper() -> None:
    net, says, batch = a_case()
    attacked, clean = batch["given"], batch["wanted"]
    made = net(attacked)
    error = float((made - clean).abs().mean().detach())
    kept = entropy(says(made), says(clean).argmax(1))
    again = entropy(says(attacked - made + clean), says(attacked).argmax(1))
    words = "(clean=2, adversarial=3, transforms=())"
    assert loss_of(net, batch, words).item() == pytest.approx(error + 2 * kept + 3 * again)
    assert loss_of(net, batch, "(transforms=())").item() == pytest.approx(error + 0.025 * (kept + again))
    assert loss_of(net, batch, "(adversarial=0, transforms=())").item() == pytest.approx(error + 0.025 * kept)
    assert loss_of(net, batch, "(clean=0, adversarial=0, transforms=())").item() == pytest.approx(error)


def test_transformed_pairs_are_denoised_all_and_are_classified_only_where_both_classes_survive() -> None:
    net, says, batch = a_case()
    torch.manual_seed(1)
    both = torch.stack([batch["given"], batch["wanted"]])
    seen, true = torch.cat([both, *(transformed(both, how) for how in ("crop", "cutmix"))], dim=1)
    own = [says(one).argmax(1).reshape(3, 5) for one in (true, seen)]
    kept = np.array([[all(int(one[m, i] == one[0, i]) for one in own) for i in range(5)] for m in range(3)]).ravel()
    assert kept[:5].all() and 5 < kept.sum() < 15  # some survive, some do not: else this shows nothing
    one_only = [np.array([int(one[m, i] == one[0, i]) for m in range(3) for i in range(5)]) for one in own]
    assert (one_only[0] != one_only[1]).any()  # one of both survives alone
    made = net(seen)
    due = float((made - true).abs().mean().detach())
    due += entropy(says(made)[kept], own[0].ravel()[kept])
    due += entropy(says(seen - made + true)[kept], own[1].ravel()[kept])
    assert loss_of(net, batch, "(clean=1, adversarial=1)").item() == pytest.approx(due)
    assert survived(torch.tensor([1, 2, 1, 1, 0, 2]), 2).tolist() == [True, True, True, False, False, True]


def test_a_denoiser_that_gives_the_clean_picture_has_both_effects_and_true_labels_play_no_part() -> None:
    net, says, batch = a_case()
    net.forward = lambda x: batch["wanted"]
    loss = loss_of(net, batch, "(clean=1, adversarial=1, transforms=())").item()
    due = entropy(says(batch["wanted"]), says(batch["wanted"]).argmax(1))
    due += entropy(says(batch["given"]), says(batch["given"]).argmax(1))
    assert loss == pytest.approx(due)
    assert loss_of(net, batch | {"truth": torch.ones(5)}, "(clean=1, adversarial=1, transforms=())").item() == loss


def test_it_is_refused_without_a_classifier_and_for_pairs_of_two_sizes() -> None:
    _, _, batch = a_case()
    with pytest.raises(nb.UsageError, match=r"give parts=frozen_classifier\(of=trained"):
        loss_of(Linear(), batch)
    assert loss_of(Linear(), batch, "(clean=0, adversarial=0)") > 0
    with pytest.raises(nb.UsageError, match="objective cdd_red .*one size.*adversarial_examples"):
        loss_of(Linear(), batch | {"wanted": torch.zeros(5, 1, 6, 8)})


# ---- the frozen classifier


SHAPE = (1, 8, 8)
NORMED = "trained(arch=small_cnn(width=2), steps=8, checks=1, batch=8)"


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A classifier with batch norm whose training this process knows."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    one = Trainer(recipe_of(bind(NORMED, "method", "classify").kwargs), SHAPE, (10,), 0, "cpu")
    rng = np.random.default_rng(0)
    for _ in range(3):
        one.advance({"given": rng.random((8, *SHAPE), np.float32), "wanted": rng.integers(10, size=8)})
    give_training(tmp_path, NORMED, one, "classify", SHAPE, (10,))
    return one.net.eval()


def denoiser(precision: str = "float32", parts: str = f"frozen_classifier(of={NORMED})") -> Trainer:
    spec = (
        f"trained(arch=dncnn(depth=2, width=2), objective=cdd_red, parts={parts}, regime=real, crop=8, batch=4, "
        f"steps=4, checks=1, precision={precision})"
    )
    return Trainer(recipe_of(bind(spec, "method").kwargs), SHAPE, SHAPE, 0, "cpu")


def a_batch(side: int = 8) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    wanted = rng.random((4, 1, side, side), np.float32)
    return {"given": (wanted + 0.1).astype(np.float32), "wanted": wanted}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_classifier_is_in_eval_mode_and_nothing_of_it_moves(frozen: Any, precision: str) -> None:
    one = denoiser(precision)
    before = {name: value.clone() for name, value in one.net.state_dict().items()}
    for _ in range(2):
        assert np.isfinite(one.advance(a_batch()))
    held: Any = one.parts[0].net
    assert not held.training and not any(weight.requires_grad for weight in held.parameters())
    for name, value in held.state_dict().items():  # running means of batch norm among them
        assert torch.equal(value, frozen.state_dict()[name])
    assert any(not torch.equal(value, before[name]) for name, value in one.net.state_dict().items())
    assert set(one.net.state_dict()) == set(before) and not any("frozen" in name for name in before)
    x = torch.rand(3, *SHAPE)
    torch.testing.assert_close(classifier_of(one.net)(x), frozen(x))  # type: ignore[misc]


def test_its_gradient_reaches_the_denoiser_alone(frozen: Any) -> None:
    one = denoiser()
    x = torch.rand(3, *SHAPE, requires_grad=True)
    loss = F.cross_entropy(classifier_of(one.net)(x), torch.tensor([0, 1, 2]))  # type: ignore[misc]
    torch.autograd.backward(loss)
    assert x.grad is not None and float(x.grad.abs().max()) > 0
    assert all(weight.grad is None for weight in one.parts[0].net.parameters())


def test_pictures_of_another_side_and_what_has_no_network_are_refused(frozen: Any) -> None:
    with pytest.raises(nb.UsageError, match=r"is for pictures \(1, 8, 8\), not \(1, 16, 16\): give crop="):
        denoiser().advance(a_batch(16))
    with pytest.raises(nb.UsageError, match="uniform has no network: give trained"):
        denoiser(parts="frozen_classifier(of=uniform)").advance(a_batch())


# ---- methods


@pytest.fixture
def shown() -> Iterator[None]:
    """A classifier that says what it was given, value by value, and a denoiser that takes a half away."""

    @nb.method("shown_again", track="classify", layout="hwc")
    def shown_again(picture: Any, info: Any) -> Any:
        assert info.sample is None and info.sigma is None
        return picture.ravel()

    @nb.method("half_of_it", layout="hwc")
    def half_of_it(noisy: Any, info: Any) -> Any:
        assert info.sample is None
        return noisy / 2

    yield
    del registry("method", "classify")._entries["shown_again"]
    del registry("method", "restore")._entries["half_of_it"]


def test_what_a_denoiser_took_away_is_put_on_the_clean_picture(shown: None) -> None:
    item = items(PAIRS)[0]
    one = nb.Classifier(bind("reapplied(denoiser=half_of_it, classifier=shown_again)", "method", "classify"))
    one.setup()
    attacked = item.picture[..., None]
    info = nb.Info({"classes": 64, "shape": (8, 8), "sigma": 0.1}, b"key")
    found = one.call(attacked, info.replace(sample=item)).reshape(8, 8)
    np.testing.assert_allclose(found, item.picture / 2 + unit(item.clean), atol=1e-6)
    with pytest.raises(nb.Skip, match="clean picture .*adversarial_examples"):
        one.call(attacked, info.replace(sample=items("digits(n=1)")[0]))


def test_maps_of_what_a_denoiser_leaves_stand_beside_those_that_are_due(shown: None) -> None:
    item = items(PAIRS)[0]
    clean, attacked = unit(item.clean), item.picture
    info = nb.Info({"classes": 64, "shape": (8, 8), "sigma": 0.1}, b"key")

    @nb.method("shown_map", track="classify", layout="hwc", explains=True)
    def shown_map(picture: Any, info: Any) -> Any:
        assert info.sample is None and info.sigma is None
        return picture.ravel(), picture[..., 0]

    try:
        for kind, first, second in (("picture", attacked / 2, clean), ("perturbation", attacked / 2 + clean, attacked)):
            spec = f"attributions(method=shown_map, denoiser=half_of_it, kind={kind})"
            one = nb.Classifier(bind(spec, "method", "classify"))
            one.setup()
            logits, maps = one.explain(attacked[..., None], info.replace(sample=item))
            np.testing.assert_allclose(logits.reshape(8, 8), first, atol=1e-6)
            np.testing.assert_allclose(maps[0][5], first, atol=1e-6)
            np.testing.assert_allclose(maps[1][5], second, atol=1e-6)
        with pytest.raises(nb.Skip, match="clean picture .*adversarial_examples"):
            one.explain(attacked[..., None], info.replace(sample=items("digits(n=1)")[0]))
    finally:
        del registry("method", "classify")._entries["shown_map"]


def accuracy(method: str, more: str = "") -> float:
    return float(nb.evaluate(method, PAIRS[:-1] + more + ")", track="classify").accuracy)


def test_agreements_are_0_of_a_denoiser_that_does_nothing_and_1_of_a_perfect_one() -> None:
    """The classifier behind it is that of the set."""
    net = the_classifier()

    @nb.method("that_classifier", track="classify")
    def that_classifier(picture: Any, info: Any) -> Any:
        with torch.no_grad():
            return net(picture)

    known = items(PAIRS, "restore")

    @nb.method("known_pictures", layout="hwc")
    def known_pictures(noisy: Any, info: Any) -> Any:
        return next(unit(one.clean) for one in known if np.array_equal(one.noisy, noisy[..., 0]))[..., None]

    try:
        assert accuracy("denoise_first(denoiser=identity, classifier=that_classifier)") == 0
        # x' - x' + x is x.
        assert accuracy("reapplied(denoiser=identity, classifier=that_classifier)", ", label=attack") == 0
        assert accuracy("reapplied(denoiser=identity, classifier=that_classifier)") == 1
        # A perfect denoiser: what it takes away has the effect of the attack each time.
        assert accuracy("denoise_first(denoiser=known_pictures, classifier=that_classifier)") == 1
        assert accuracy("reapplied(denoiser=known_pictures, classifier=that_classifier)", ", label=attack") == 1
    finally:
        del registry("method", "classify")._entries["that_classifier"]
        del registry("method", "restore")._entries["known_pictures"]


def test_a_purified_classifier_is_denoise_first_that_can_be_attacked() -> None:
    """On tensors of several pictures, each is denoised by itself."""

    @nb.method("darker", layout="tensor")
    def darker(noisy: Any, info: Any) -> Any:
        assert len(noisy) == 1
        return noisy * 2 - 0.5

    @nb.method("of_all_values", track="classify")
    def of_all_values(picture: Any, info: Any) -> Any:
        return torch.stack([picture.flatten(1).mean(1), 1 - picture.flatten(1).mean(1)], dim=1)

    try:
        one = nb.Classifier(bind("purified(denoiser=darker, classifier=of_all_values)", "method", "classify"))
        first = nb.Classifier(bind("denoise_first(denoiser=darker, classifier=of_all_values)", "method", "classify"))
        info = nb.Info({"classes": 2, "shape": (4, 4)}, b"key")
        pictures = np.random.default_rng(0).random((3, 4, 4, 1), np.float32)
        for runner in (one, first):
            runner.setup()
        both = one.classify_all(list(pictures), info)
        np.testing.assert_allclose(both, [first.classify(picture, info) for picture in pictures], atol=1e-6)
        attacked = nb.Classifier(
            bind("attacked(method=purified(denoiser=darker, classifier=of_all_values), eps=0.1)", "method", "classify")
        )
        attacked.setup()
        item = nb.tracks.classify.LabelledPicture("a", pictures[0], 0, ("a", "b"))
        assert attacked.classify(pictures[0], info.replace(sample=item))[0] < both[0][0]
        with pytest.raises(nb.Skip, match="median.* cannot be differentiated: it takes numpy arrays"):
            nb.Classifier(bind("purified(denoiser=median, classifier=of_all_values)", "method", "classify")).setup()
    finally:
        del registry("method", "classify")._entries["of_all_values"]
        del registry("method", "restore")._entries["darker"]


# ---- trainings of two tracks that need each other


def test_classifier_denoiser_and_what_is_scored_are_planned_and_run_in_that_order() -> None:
    both = f"denoise_first(denoiser={DENOISER}, classifier={CLASSIFIER})"
    cells = list(plan(Suite(track="classify", methods=(both,), datasets=(PAIRS,), regimes=("none",))))
    kinds = [(cell.kind, cell.track) for cell in cells]
    assert sorted(kinds[:2]) == [("train", "classify"), ("train", "restore")] and len(cells) == 3
    classifier, restorer = sorted(cells[:2], key=lambda cell: cell.track)
    assert restorer.after == [classifier.key]
    rounds = list(in_rounds(cells))
    assert [(track, len(own)) for track, own in rounds] == [("classify", 1), ("restore", 1), ("classify", 1)]
    assert [cell.key for _, own in rounds for cell in own] == [
        classifier.key, restorer.key, cells[2].key
    ]  # fmt: skip
