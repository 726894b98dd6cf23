"""Dataset condensation: what is matched, what is learned, and what is chosen instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.datasets.classify import _condensing as condensing
from noisebench.datasets.classify.shared_nuisance import pattern_of
from noisebench.store.cells import keys, read_cell
from torch import nn

FEW = "digits(split=train, n=200)"
SHORT = "validated=20, arch=mlp(hidden=(8,)), outer=2, inner=2, epochs=1"


pytestmark = pytest.mark.usefixtures("made")


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def pictures(dataset: Any) -> np.ndarray:
    return np.stack(
        [dataset.load(i).picture for i in range(len(dataset.ids)) if i not in getattr(dataset, "kept_apart", ())]
    )


def test_gradients_are_matched_row_by_row_by_their_angle_and_biases_add_nothing() -> None:
    due = [torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([5.0, -5.0])]
    own = [torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.tensor([-1.0, 9.0])]
    assert float(condensing.matched(due, own)) == pytest.approx(0 + 1)
    assert float(condensing.matched(due, [-g for g in due])) == pytest.approx(2 + 2)


def distance(together: bool) -> float:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    net[1].weight.data.zero_()
    # What both classes share, the first value, is ten times what tells them apart.
    real = torch.tensor([[10.0, 1, 0, 0], [10.0, 0, 1, 0]]).reshape(2, 1, 2, 2)
    made = torch.tensor([[0.0, 1, 0, 0], [0.0, 0, 1, 0]]).reshape(2, 1, 2, 2).requires_grad_()
    places = {0: torch.tensor([0]), 1: torch.tensor([1])}
    found = condensing._distance(net, real, places, made, torch.tensor([0, 1]), together, False)
    return float(found.detach())


def test_what_classes_share_counts_class_by_class_and_cancels_in_their_mean() -> None:
    # Gradient of a class: its picture times ±1/2. Class by class the angle is that of the shared value.
    assert distance(False) == pytest.approx(4 * (1 - 1 / 101**0.5), rel=1e-5)
    assert distance(True) == pytest.approx(0.0, abs=1e-5)


def test_pictures_are_learned_from_real_ones_and_stay_pictures() -> None:
    begun, learned = (opened(f"condensed(of={FEW}, ipc=2, {SHORT}, method={m})") for m in ("random", "dcc"))
    assert [learned.load(i).label for i in range(20)] == [i // 2 for i in range(20)]
    a, b = pictures(begun), pictures(learned)
    assert a.shape == b.shape == (20, 8, 8, 1) and not np.array_equal(a, b)
    assert b.min() >= 0 and b.max() <= 1 and np.abs(a - b).mean() < 0.2
    whole = pictures(opened(FEW)).reshape(200, -1)
    assert all((whole == picture.reshape(1, -1)).all(axis=1).any() for picture in a)


def test_learning_makes_the_gradients_of_new_networks_match_better() -> None:
    real = torch.rand(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(60) % 3
    real[torch.arange(60), 0, labels, labels] = 1.0
    places = {c: (labels == c).nonzero().flatten() for c in range(3)}
    own, start = torch.arange(3), torch.full((3, 1, 4, 4), 0.5)
    course = condensing.Condensation(20, 3, 0.1, 1, contrastive=True, augmented=False, warmup=0.0)

    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))

    made = condensing.condense(real, labels, start, own, build, course, seed=0, say=lambda done, of: None)

    def gap(pictures: torch.Tensor) -> float:
        torch.manual_seed(5)
        found = [condensing._distance(build(), real, places, pictures, own, True, False) for _ in range(5)]
        return float(torch.stack(found).mean().detach())

    assert gap(made.requires_grad_()) < 0.5 * gap(start.requires_grad_())


@pytest.mark.parametrize("method", ["dc", "dcc", "dsa", "dsac"])
def test_each_way_gives_pictures_of_its_own_and_the_same_each_time(method: str, made: Path) -> None:
    spec = f"condensed(of={FEW}, {SHORT}, method={method})"
    first = pictures(opened(spec))
    (file,) = made.iterdir()
    file.unlink()
    assert np.array_equal(pictures(opened(spec)), first)
    other = "dc" if method == "dcc" else "dcc"
    assert not np.array_equal(pictures(opened(f"condensed(of={FEW}, {SHORT}, method={other})")), first)


def test_another_seed_begins_with_other_pictures_and_keeps_the_same_apart() -> None:
    one, other = (opened(f"condensed(of={FEW}, method=random, validated=20, seed={seed})") for seed in (0, 1))
    assert not np.array_equal(pictures(one), pictures(other)) and one.ids[10:] == other.ids[10:]


def test_warming_up_for_all_networks_is_matching_class_by_class() -> None:
    a, b = (pictures(opened(f"condensed(of={FEW}, {SHORT}, {m})")) for m in ("method=dcc, warmup=1.0", "method=dc"))
    assert np.array_equal(a, b)


def test_batch_norm_holds_the_means_of_real_pictures() -> None:
    net = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2))
    real = torch.rand(40, 1, 2, 2)
    condensing._settle(net, real)
    assert not net.training
    torch.testing.assert_close(net[0].running_mean, real.mean(dim=(0, 2, 3)))
    opened(f"condensed(of={FEW}, validated=20, arch=small_cnn(width=2), outer=1, inner=1, epochs=1)")


def test_centres_are_far_apart() -> None:
    line = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 10.0]).reshape(6, 1, 1, 1)
    assert condensing.k_centres(line, 3) == [3, 5, 0]


def test_changes_are_those_of_their_seed_and_let_gradients_pass() -> None:
    x = torch.rand(2, 1, 8, 8, requires_grad=True)
    one, again, other = (condensing.changed(x, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other) and one.shape == x.shape
    one.sum().backward()
    assert x.grad is not None and float(x.grad.abs().sum()) > 0


def test_more_pictures_than_a_class_has_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="class '.' .* ipc=150 .*: give a smaller ipc"):
        opened(f"condensed(of={FEW}, ipc=150, validated=20, method=random)")


def test_one_pattern_lies_over_all_pictures() -> None:
    plain, own = opened(FEW), opened(f"shared_nuisance(of={FEW}, strength=0.75)")
    pattern = pattern_of(8, 8, 0)
    assert pattern.min() == 0 and pattern.max() == 1
    for i in (0, 7):
        a, b = plain.load(i), own.load(i)
        rest = b.picture - 0.25 * a.picture
        share = float((rest * pattern).sum() / np.square(pattern).sum())
        assert 0 < share < 0.75 and a.label == b.label
        np.testing.assert_allclose(rest, share * pattern, atol=1e-6)
    assert not np.array_equal(pattern, pattern_of(8, 8, 1))


def test_a_training_is_validated_on_real_pictures_that_nothing_was_learned_from(cli: Any, tmp_path: Path) -> None:
    learned = opened(f"condensed(of={FEW}, method=random, validated=30)")
    assert len(learned.ids) == 40 and list(learned.kept_apart) == list(range(10, 40))
    kept = {learned.load(i).picture.tobytes() for i in learned.kept_apart}
    assert not kept & {learned.load(i).picture.tobytes() for i in range(10)}
    data = f"condensed(of={FEW}, method=random, validated=30)"
    recipe = f"arch=mlp(hidden=(8,)), data={data}, steps=20, checks=2, validation=5"
    words = ("--track", "classify", "--datasets", "digits(n=20)", "--regimes", "none", "--store", "s")
    cli("run", "--methods", f"trained({recipe})", *words)
    (cell,) = trainings(tmp_path / "s")
    assert cell.training.validation == list(learned.ids)[10:15]


def trainings(store: Path) -> list[Any]:
    return [cell for cell in (read_cell(store, key) for key in keys(store)) if cell.kind == "train"]


def test_each_training_has_a_set_of_its_own_seed(cli: Any, tmp_path: Path) -> None:
    data = f"condensed(of=shared_nuisance(of={FEW}), method=random, validated=30{{}})"

    def trained(store: str, more: str, seeds: tuple[int, ...]) -> dict[int, str]:
        method = f"trained(arch=mlp(hidden=(8,)), data={data.format(more)}, steps=2, checks=1, validation=5)"
        words = ("--track", "classify", "--datasets", "digits(n=5)", "--regimes", "none", "--seed", *seeds)
        cli("run", "--methods", method, *words, "--store", store)
        return {cell.seed: cell.dataset.fingerprint for cell in trainings(tmp_path / store)}

    own = trained("own", "", (0, 1))
    assert own[0] != own[1] and own[1] == trained("one", ", seed=1", (0,))[0]
