"""Data diet: scores of examples, sets that are pruned by them, and how well they find wrong labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind
from noisebench.recipes.parts._example_scores import example_scores, mean_scores
from torch import nn

FEW = "digits(split=train, n=200)"
KEPT = 40
FAST = f"nets=1, epochs=1, validated={KEPT}"


pytestmark = pytest.mark.usefixtures("made")


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def linear(weight: list[list[float]]) -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
    net[1].weight.data, net[1].bias.data = torch.tensor(weight), torch.zeros(2)
    return net


def test_el2n_is_the_distance_of_the_probabilities_from_the_label() -> None:
    given, labels = torch.tensor([[[[1.0, 0.0]]], [[[1.0, 0.0]]]]), torch.tensor([0, 1])
    # Logits (ln 3, 0): probabilities (3/4, 1/4).
    found = example_scores(linear([[float(np.log(3)), 0.0], [0.0, 0.0]]), given, labels, "el2n")
    assert found.tolist() == pytest.approx([2**0.5 / 4, 2**0.5 * 3 / 4])


def test_grand_is_the_norm_of_the_gradient_of_one_example() -> None:
    given, labels = torch.tensor([[[[2.0, 1.0]]], [[[0.0, 1.0]]]]), torch.tensor([0, 1])
    # Logits 0: the error (1/2, -1/2) of each, times the input for the weights and 1 for the biases.
    found = example_scores(linear([[0.0, 0.0], [0.0, 0.0]]), given, labels, "grand")
    assert found.tolist() == pytest.approx([(0.5 * (5 + 1)) ** 0.5, (0.5 * (1 + 1)) ** 0.5])


@pytest.mark.parametrize("score", ["el2n", "grand"])
def test_a_score_depends_on_no_other_example_and_leaves_the_network_as_it_is(score: Any) -> None:
    made = bind("small_cnn(width=4)", "arch")
    net = made.entry.obj((1, 8, 8), (3,), **made.kwargs).train()
    given, labels = torch.rand(40, 1, 8, 8), torch.arange(40) % 3
    before = {name: value.clone() for name, value in net.state_dict().items()}
    together = example_scores(net, given, labels, score)
    torch.testing.assert_close(together[7:9], example_scores(net, given[7:9], labels[7:9], score))
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def test_scores_are_means_over_networks_and_the_same_each_time() -> None:
    made = bind("mlp(hidden=(8,))", "arch")
    given, labels = torch.rand(30, 1, 4, 4), torch.arange(30) % 3
    state = torch.get_rng_state()

    def scores(nets: int, seed: int = 0) -> torch.Tensor:
        return mean_scores(
            lambda: made.entry.obj((1, 4, 4), (3,), **made.kwargs), given, labels, "el2n",
            nets=nets, epochs=1, seed=seed, say=lambda done, of: None,
        )  # fmt: skip

    one, two = scores(1), scores(2)
    assert torch.equal(one, scores(1)) and not torch.equal(one, two) and not torch.equal(one, scores(1, seed=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_hardest_stay_and_an_offset_leaves_out_the_very_hardest() -> None:
    from noisebench.datasets.classify.pruned import chosen

    scores = np.array([0.1, 0.9, 0.3, 0.7, 0.5])
    assert chosen(scores, 0.4, 0.0) == [1, 3]
    assert chosen(scores, 0.4, 0.2) == [3, 4]
    assert chosen(scores, 0.6, 0.4) == [0, 2, 4]
    assert chosen(scores, 0.01, 0.0) == [1]


def test_halves_are_the_set_and_hold_its_own_items() -> None:
    hardest, easiest = (opened(f"pruned(of={FEW}, {FAST}{more})") for more in ("", ", offset=0.5"))
    whole = opened(FEW)
    kept = [hardest.ids[place] for place in hardest.kept_apart]
    assert len(kept) == KEPT and kept == [easiest.ids[place] for place in easiest.kept_apart]
    halves = [*hardest.ids[: -len(kept)], *easiest.ids[: -len(kept)]]
    assert sorted([*halves, *kept]) == sorted(whole.ids) and len(halves) == 160
    for place in (3, hardest.kept_apart[2]):
        own, other = hardest.load(place), whole.load(whole.ids.index(hardest.ids[place]))
        assert own.label == other.label and np.array_equal(own.picture, other.picture)


def test_a_random_half_is_that_of_its_seed() -> None:
    one, again, other = (
        opened(f"pruned(of={FEW}, score=random, validated=40{s})").ids for s in ("", ", seed=0", ", seed=1")
    )
    assert one == again and one != other and one[-40:] == other[-40:]


def test_scores_are_made_once_for_what_they_are_of(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = opened(f"pruned(of={FEW}, {FAST})").ids
    (file,) = made.iterdir()
    assert "pruned: made now, once" in capsys.readouterr().err
    written = file.stat().st_mtime_ns
    assert opened(f"pruned(of={FEW}, {FAST}, keep=0.2)").ids[0] in first
    assert capsys.readouterr().err == "" and file.stat().st_mtime_ns == written
    opened(f"pruned(of={FEW}, {FAST}, arch=mlp(hidden=(8,)))")
    opened(f"pruned(of=digits(split=train, n=199), {FAST})")
    assert len(list(made.iterdir())) == 3
    file.write_bytes(file.read_bytes()[:100])
    assert opened(f"pruned(of={FEW}, {FAST})").ids == first


def test_wrong_labels_are_so_many_wrong_and_the_truth_stays() -> None:
    whole, flipped = opened("digits(split=train)"), opened("flipped_labels(of=digits(split=train), share=0.2)")
    items = [(whole.load(i), flipped.load(i)) for i in range(len(whole.ids))]
    wrong = [b.given_label != a.label for a, b in items]
    assert all(a.label == b.label and a.id == b.id for a, b in items)
    assert 0.17 < sum(wrong) / len(wrong) < 0.23
    assert len({(b.given_label - a.label) % 10 for a, b in items}) == 10
    none = opened(f"flipped_labels(of={FEW}, share=0.0)")
    assert not any(none.load(i).annotated for i in range(200))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (f"pruned(of={FEW}, keep=0.6, offset=0.5)", "keep=0.6 and offset=0.5 .*: give less"),
        (f"pruned(of={FEW})", "validated=200 are kept apart: nothing is left"),
        ("pruned(of=photos)", "unknown dataset 'photos'"),
        ("pruned(of=digits(split=train), score=loss)", "one of el2n, grand, random"),
    ],
)
def test_what_cannot_be_pruned_is_said_in_one_line(spec: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said) as error:
        opened(spec)
    assert "\n" not in str(error.value)


def observed(score: str, wrong: tuple[int, ...]) -> dict[str, float]:
    """Figures after two visits of four items by a network that is right of every truth."""
    made = bind(f"label_noise(score={score}, visits=2)", "part")
    part = made.entry.obj(**made.kwargs)
    net = linear([[4.0, 0.0], [0.0, 4.0]])
    truth = torch.tensor([0, 1, 0, 1])
    given = torch.eye(2)[truth].reshape(4, 1, 1, 2)
    labels = torch.tensor([1 - int(t) if i in wrong else int(t) for i, t in enumerate(truth)])
    for _ in range(3):
        batch = {"given": given, "wanted": labels, "truth": truth, "index": torch.arange(4)}
        part.observe(net, batch, None, 0, 1)
    held: dict[str, float] = part.figures()
    return held


@pytest.mark.parametrize("score", ["el2n", "grand"])
def test_wrong_labels_score_higher_to_a_network_that_knows(score: str) -> None:
    assert observed(score, (2,)) == {"wrong_share": 0.25, "auroc_1": 1.0, "auroc_2": 1.0}
    assert observed(score, ()) == {"wrong_share": 0.0}


def test_finding_wrong_labels_needs_labels() -> None:
    made = bind("label_noise", "part")
    with pytest.raises(nb.UsageError, match="is for labelled items"):
        made.entry.obj(**made.kwargs).observe(None, {"given": 0, "wanted": 0}, None, 0, 1)
