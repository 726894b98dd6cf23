"""Sets masked by a classifier's gradient, signals whose place is known, and where a gradient lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.registry import bind, registry
from noisebench.datasets.classify.masked_by_gradient import gradient_sizes, kept_of, ranked
from noisebench.store.cells import WEIGHTS, cell_dir
from noisebench.store.reading import read_records
from noisebench.training.checkpoint import read_weights
from noisebench.training.learned import learned

pytestmark = pytest.mark.usefixtures("made")

MODEL = "trained(arch=mlp(hidden=(8,)), data=digits(split=train, n=120), steps=8, checks=1, validation=20)"
MASKED = f"masked_by_gradient(of=digits(n=20), model={MODEL}"


def opened(spec: str) -> Any:
    return nb.open_dataset(bind(spec, "dataset", "classify"))


def values(dataset: Any) -> np.ndarray[Any, Any]:
    return np.stack([dataset.load(i).picture for i in range(len(dataset.ids))])


# ---- masks


def test_the_gradient_is_that_of_finite_differences() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    ).double()
    x, labels = torch.rand(2, 1, 2, 3, dtype=torch.float64), torch.tensor([2, 0])

    def moved(place: int) -> torch.Tensor:
        """Central differences of the logits, (2, 3)."""
        step = torch.zeros(6, dtype=torch.float64)
        step[place] = 1e-6
        with torch.no_grad():
            return (net(x + step.reshape(1, 2, 3)) - net(x - step.reshape(1, 2, 3))) / 2e-6

    apart = torch.stack([moved(place) for place in range(6)], dim=1)  # (2, 6, 3)
    p = net(x).detach().softmax(1)
    onehot = torch.nn.functional.one_hot(labels, 3)
    of_loss = ((p - onehot)[:, None] * apart).sum(2).abs()
    found = torch.from_numpy(gradient_sizes(net, x, labels, "loss"))
    torch.testing.assert_close(
        found / found.amax(1, keepdim=True), of_loss / of_loss.amax(1, keepdim=True), rtol=1e-5, atol=1e-7
    )
    of_logits = (apart - apart.mean(2, keepdim=True)).norm(dim=2)
    torch.testing.assert_close(
        torch.from_numpy(gradient_sizes(net, x, labels, "logits")), of_logits, rtol=1e-5, atol=1e-7
    )


def test_places_are_ranked_where_the_loss_has_no_gradient_left() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, bias=False))
    net[1].weight.data = 1e4 * torch.tensor([[1.0, 3.0, -2.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
    x = torch.ones(1, 1, 2, 2)
    asked = x.clone().requires_grad_()
    (plain,) = torch.autograd.grad(torch.nn.functional.cross_entropy(net(asked), torch.tensor([0])), asked)
    assert not plain.any()
    assert ranked(gradient_sizes(net, x, torch.tensor([0]), "loss")).tolist() == [[1, 2, 0, 3]]


def test_first_and_last_shares_are_the_whole() -> None:
    order = ranked(np.array([[0.1, 0.4, 0.4, 0.2], [1.0, 0.0, 0.0, 0.0]]))
    assert order.tolist() == [[1, 2, 3, 0], [0, 1, 2, 3]]
    top, bottom = kept_of(order, 0.25, False), kept_of(order, 0.75, True)
    assert (top ^ bottom).all() and top.sum(axis=1).tolist() == [1, 1]
    assert kept_of(order, 0.01, True).sum() == 2


@pytest.mark.parametrize("keep", ["top", "bottom", "random"])
def test_a_share_of_each_picture_stays_and_the_rest_is_one_value(keep: str) -> None:
    found, plain = opened(f"{MASKED}, keep={keep}, share=0.25, fill=0.7)"), opened("digits(n=20)")
    masked, whole = values(found), values(plain)
    gone = masked == np.float32(0.7)
    assert masked.dtype == np.float32 and (gone.sum(axis=(1, 2)) == 48).all()
    assert np.array_equal(masked[~gone], whole[~gone])
    assert [found.load(i).label for i in range(20)] == [plain.load(i).label for i in range(20)]


def test_top_and_bottom_are_apart_and_follow_the_gradient_of_the_model() -> None:
    top, bottom = (
        values(opened(f"{MASKED}, keep={keep}, share=0.5, fill=0.7)")) != np.float32(0.7) for keep in ("top", "bottom")
    )
    assert (top ^ bottom).all()
    net = learned(bind(MODEL, "method", "classify"), 0, "x").net
    sizes = gradient_sizes(
        net, torch.from_numpy(values(opened("digits(n=20)")))[:, None], torch.zeros(20).long(), "logits"
    )
    least = np.where(top.reshape(20, -1), sizes, np.inf).min(axis=1)
    assert (least >= np.where(bottom.reshape(20, -1), sizes, -np.inf).max(axis=1)).all()
    assert not np.array_equal(top, values(opened(f"{MASKED}, share=0.5, fill=0.7, seed=1)")) != np.float32(0.7))


def test_masks_by_the_logits_are_not_told_the_label_and_those_by_the_loss_are() -> None:
    net = learned(bind(MODEL, "method", "classify"), 0, "x").net
    x = torch.from_numpy(values(opened("digits(n=6)")))[:, None]
    for by, told in (("logits", False), ("loss", True)):
        one, other = (gradient_sizes(net, x, torch.full((6,), label), by) for label in (0, 1))  # type: ignore[arg-type]
        assert np.array_equal(one, other) is not told


def test_pictures_with_nothing_left_are_still_of_two_pictures() -> None:
    """A blank picture that is trained on is not refused because another one that is tested is blank too."""
    spec = f"{MASKED}, keep=random, share=0.02)"
    found, again = opened(spec), opened(spec)
    blank = [i for i in range(20) if not found.load(i).picture.any()]
    assert len(blank) > 1 and len({found.made(i) for i in blank}) == len(blank)
    assert [found.made(i) for i in range(20)] == [again.made(i) for i in range(20)]


def test_colour_is_masked_channel_by_channel(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (data_dir / "cifar10_subset").is_dir():
        pytest.skip(f"no cifar10_subset at {data_dir}")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    data = "data=cifar10_subset(split=train, n=40), validation=10"
    model = f"trained(arch=small_cnn(width=2), {data}, batch=8, steps=2, checks=1)"
    found = opened(f"masked_by_gradient(of=cifar10_subset(n=5), model={model}, share=0.1)")
    assert found.load(0).picture.shape == (32, 32, 3) and (values(found) > 0).reshape(5, -1).sum(axis=1).max() <= 307


# ---- the network behind them


def test_the_network_is_that_of_a_run_to_the_last_bit(cli: Any, tmp_path: Path) -> None:
    own = learned(bind(MODEL, "method", "classify"), 3, "x").net.state_dict()
    cli("run", "--track", "classify", "--datasets", "digits(n=5)", "--regimes", "none", "--methods", MODEL, "--seed", 3,
        "--store", "s")  # fmt: skip
    (key,) = [r.cell.key for r in read_records(tmp_path / "s") if r.cell.kind == "train"]
    run = read_weights(cell_dir(tmp_path / "s", key) / WEIGHTS)
    assert own.keys() == run.keys() and all(torch.equal(own[name], run[name]) for name in run)


def test_a_network_is_trained_once_for_all_that_it_masks(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = torch.get_rng_state()
    opened(f"{MASKED})")
    assert torch.equal(torch.get_rng_state(), state)
    assert "learned: made now, once" in capsys.readouterr().err
    opened(f"{MASKED}, keep=bottom, share=0.1, fill=0.5)")
    assert len(list(made.glob("learned-*"))) == 1 and len(list(made.glob("ranked-*"))) == 1
    opened(f"masked_by_gradient(of=digits(split=train, n=30), model={MODEL})")
    assert len(list(made.glob("learned-*"))) == 1 and len(list(made.glob("ranked-*"))) == 2
    opened(f"{MASKED}, seed=1)")
    opened(f"{MASKED}, seed=1, by=loss)")
    assert len(list(made.glob("learned-*"))) == 2 and len(list(made.glob("ranked-*"))) == 4


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("masked_by_gradient(of=digits, model=uniform)", "uniform is trained by no recipe"),
        (f"masked_by_gradient(of=digits, model={MODEL[:-1]}, keep=best))", "trained to its last step here"),
        (f"masked_by_gradient(of=digits, model={MODEL[:-1]}, stop=patience))", "trained to its last step here"),
        (f"masked_by_gradient(of=half_space(n=3), model={MODEL})", "is for 10 classes of pictures"),
        (f"masked_by_gradient(of=digits, model={MODEL}, keep=most)", "one of top, bottom, random"),
        (f"masked_by_gradient(of=digits, model={MODEL}, share=0.0)", "share must be a number above 0"),
    ],
)
def test_what_masks_nothing_is_said_in_one_line(spec: str, said: str) -> None:
    with pytest.raises(nb.UsageError, match=said) as error:
        opened(spec)
    assert "\n" not in str(error.value)


# ---- signals whose place is known


def test_a_picture_is_above_or_below_one_pattern() -> None:
    plain, by_class, by_block = (
        opened(s) for s in ("digits(n=60)", "blockdigits(of=digits(n=60))", "blockdigits(of=digits(n=60), label=block)")
    )
    nulls, below = [], []
    for i in range(60):
        one, two, own = by_class.load(i), by_block.load(i), plain.load(i)
        assert one.picture.shape == (16, 8) and np.array_equal(one.picture, two.picture) and one.label == own.label
        assert two.classes == ("top", "bottom")
        halves = one.picture[:8], one.picture[8:]
        assert np.array_equal(halves[two.label], own.picture)
        nulls.append(halves[1 - two.label])
        below.append(two.label)
    assert all(np.array_equal(null, nulls[0]) for null in nulls) and 0 < nulls[0].mean() < 1
    assert 15 <= sum(below) <= 45
    assert below != [opened("blockdigits(of=digits(n=60), label=block, seed=1)").load(i).label for i in range(60)]
    top = opened("blockdigits(of=digits(n=60), place=top, label=block)")
    assert not any(top.load(i).label for i in range(60))


def test_blocks_are_of_any_set() -> None:
    colour = opened("blockdigits(of=rim_lesions(n=4))")
    assert colour.load(1).picture.shape == (64, 32)
    assert opened("blockdigits(of=half_space(n=4, d=5))").load(0).picture.shape == (2, 5)


def test_one_coordinate_has_the_sign_and_its_place_is_known() -> None:
    sign, place = (opened(f"signal_coordinate(n=300, d=6, noise=0.1, label={one})") for one in ("sign", "place"))
    for i in range(300):
        one, two = sign.load(i), place.load(i)
        assert np.array_equal(one.picture, two.picture) and one.picture.shape == (1, 6)
        x = 4 * (one.picture[0] - 0.5)
        assert int(abs(x).argmax()) == two.label and (x[two.label] > 0) == bool(one.label)
    assert {place.load(i).label for i in range(300)} == set(range(6))
    others = np.concatenate([np.delete(4 * (place.load(i).picture[0] - 0.5), place.load(i).label) for i in range(300)])
    assert others.std() == pytest.approx(0.1, rel=0.05) and abs(others.mean()) < 0.01
    assert sign.made(0) != opened("signal_coordinate(n=300, d=6, noise=0.1, seed=1)").made(0)


@pytest.fixture
def weighed() -> Iterator[None]:
    """A linear classifier of (2, 4) pictures, forgotten again after."""

    @nb.method("weighed", track="classify")
    def weighed(picture: Any, info: Any) -> Any:
        with torch.no_grad():
            weight = torch.tensor([[[1.0, 0, 0, 2], [0, 3, 0, 0]], [[0.0, 0, 0, 0], [0, 0, 0, 1]]])
            return 1e4 * torch.einsum("bchw,khw->bk", picture, weight)

    yield
    del registry("method", "classify")._entries["weighed"]


def shares(words: str, picture: Any, classes: int) -> Any:
    one = nb.Classifier(bind(f"gradient_blocks(method={words})", "method", "classify"))
    one.setup("cpu")
    return np.exp(one.classify(picture, nb.Info({"classes": classes})))


@pytest.mark.usefixtures("weighed")
def test_each_block_has_its_share_of_the_squared_gradient_however_sure_the_classifier_is() -> None:
    picture = np.ones((2, 4, 1), np.float32)
    squared = np.array([[1, 0, 0, 4], [0, 9, 0, 1]])
    np.testing.assert_allclose(shares("weighed", picture, 2), squared.sum(1) / 15, rtol=1e-5)
    np.testing.assert_allclose(
        shares("weighed, rows=1, columns=4", picture, 4), np.maximum(squared.sum(0) / 15, 1e-30), rtol=1e-5
    )
    np.testing.assert_allclose(shares("weighed, columns=2", picture, 4), np.array([1, 4, 9, 1]) / 15, rtol=1e-5)


@pytest.mark.usefixtures("weighed")
def test_what_has_no_blocks_is_skipped_with_its_reason() -> None:
    picture = np.ones((2, 4, 1), np.float32)
    with pytest.raises(nb.Skip, match="gradient_blocks .*: 2 × 1 blocks are not 3"):
        shares("weighed", picture, 3)
    with pytest.raises(nb.Skip, match="2 × 4 cannot be cut into 1 × 3 blocks"):
        shares("weighed, rows=1, columns=3", picture, 3)
    with pytest.raises(nb.Skip, match="oracle cannot be differentiated: it takes numpy arrays"):
        shares("oracle", picture, 2)


def test_the_probability_of_the_true_class_is_a_score() -> None:
    metric = bind("probability", "metric", "classify").entry.obj
    assert metric(np.log([0.25, 0.75]), 0) == pytest.approx(0.25)
