"""NoProp: its diffusion, blocks that learn alone, the chain where it is used, and feedback alignment as a rival."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from given_trainings import give_training
from noisebench.components.registry import bind
from noisebench.planning.cells import method_flags
from noisebench.planning.recipe import recipe_of
from noisebench.recipes.archs.noprop import kept_of, step_of
from noisebench.training.trainer import Trainer
from torch import nn

SHAPE = (1, 6, 5)
TRAINED = "trained(arch=noprop({}), objective=noprop{}, batch=4, steps=8, checks=1)"


def net(words: str = "of=mlp(hidden=(7,)), blocks=3, width=6", shape: Any = SHAPE, classes: int = 4) -> Any:
    made = bind(f"noprop({words})", "arch")
    torch.manual_seed(0)
    return made.entry.obj(shape, (classes,), **made.kwargs)


def a_batch(items: int = 5, shape: Any = SHAPE, classes: int = 4) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    labels = torch.randint(classes, (items,), generator=rng)
    return {"given": torch.rand(items, *shape, generator=rng), "wanted": labels}


def loss_of(network: Any, batch: Any, seed: int = 0, words: str = "") -> torch.Tensor:
    made = bind(f"noprop{words}", "objective")
    torch.manual_seed(seed)
    return made.entry.obj(network, batch, **made.kwargs)


def block_of(seed: int, blocks: int = 3) -> int:
    """Which block the objective trains at that seed."""
    torch.manual_seed(seed)
    return int(torch.randint(1, blocks + 1, ()))


def trainer(words: str = "of=mlp(hidden=(7,)), blocks=4, width=6", more: str = "", objective: bool = True) -> Trainer:
    spec = TRAINED.format(words, more)
    if not objective:
        spec = spec.replace("objective=noprop", "objective=supervised(loss=cross_entropy)")
    return Trainer(recipe_of(bind(spec, "method", "classify").kwargs), SHAPE, (4,), 0, "cpu")


def advanced(one: Trainer, steps: int) -> Trainer:
    for step in range(steps):
        rng = np.random.default_rng(step)
        one.advance({"given": rng.random((4, *SHAPE), np.float32), "wanted": rng.integers(4, size=4)})
    return one


# --- the diffusion -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [1, 2, 10, 50])
def test_time_runs_from_noise_to_the_label_and_no_ratio_is_infinite(blocks: int) -> None:
    kept = kept_of(blocks)
    assert len(kept) == blocks + 1 and (kept.diff() > 0).all()
    assert float(kept[0]) == pytest.approx(1.579e-4, abs=1e-7) and float(kept[-1]) == pytest.approx(0.98429, abs=1e-5)


@pytest.mark.parametrize("blocks", [1, 10])
def test_the_step_is_the_posterior_of_the_diffusion(blocks: int) -> None:
    """By the rule for normal laws: z behind a block given z before it, which is √α of it and noise, and the label."""
    kept, u, z = kept_of(blocks), 0.7, -0.4
    for block, (clean, stays, noise) in enumerate(step_of(kept).T.tolist()):
        before, behind = float(kept[block]), float(kept[block + 1])
        alpha = before / behind
        precision = 1 / (1 - behind) + alpha / (1 - alpha)
        mean = (math.sqrt(behind) * u / (1 - behind) + math.sqrt(alpha) * z / (1 - alpha)) / precision
        assert clean * u + stays * z == pytest.approx(mean, abs=1e-9)
        assert noise == pytest.approx(precision**-0.5, abs=1e-9)


def test_blocks_that_know_the_label_lead_to_the_law_that_the_last_layer_was_trained_on() -> None:
    network, n = net("of=mlp(hidden=()), blocks=6, width=2"), 20_000
    u = torch.eye(4)[torch.zeros(n, dtype=torch.long)]
    network.block_logits = lambda x, z, block: 100.0 * u
    noise = torch.randn(n, 7, 4, generator=torch.Generator().manual_seed(3))
    # The chain begins with noise alone; a share of the label is there in training.
    noise[:, 0] = network.noised(u, noise[:, 0], 0)
    z, _ = network.walked(torch.zeros(n, *SHAPE), noise, 6)
    last = float(network.kept[6])
    torch.testing.assert_close(z.mean(dim=0), math.sqrt(last) * u[0], rtol=0, atol=0.02)
    torch.testing.assert_close(z.std(dim=0), torch.full((4,), math.sqrt(1 - last)), rtol=0.02, atol=0)


def test_a_chain_of_exact_blocks_draws_a_class_by_its_probability_where_the_first_block_takes_the_likeliest() -> None:
    """So a chain that has learned well is right less often than its first block alone, where a class is in doubt."""
    network, n, likely = net("of=mlp(hidden=()), blocks=300, width=2"), 4000, torch.tensor([0.6, 0.3, 0.1, 1e-9])

    def exact(x: torch.Tensor, z: torch.Tensor, block: int) -> torch.Tensor:
        kept = float(network.kept[block - 1])
        return likely.log() + math.sqrt(kept) / (1 - kept) * z

    network.block_logits = exact
    x, noise = torch.zeros(n, *SHAPE), torch.randn(n, 301, 4, generator=torch.Generator().manual_seed(4))
    z, _ = network.walked(x, noise, 300)
    shares = torch.bincount(z.argmax(dim=1), minlength=4) / n
    torch.testing.assert_close(shares, likely, rtol=0, atol=0.03)
    _, first = network.walked(x, noise, 1)
    assert (first.argmax(dim=1) == 0).all()


# --- training ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["", ", dim=3"])
def test_the_last_layer_begins_as_the_posterior_of_the_class(words: str) -> None:
    network = net(f"of=mlp(hidden=(7,)), blocks=3, width=6{words}").double()
    z, kept = torch.randn(6, network.dim, generator=torch.Generator().manual_seed(2)).double(), kept_of(3)[-1]
    laws = torch.distributions.Normal(kept.sqrt() * network.vectors, (1 - kept).sqrt())
    due = laws.log_prob(z.unsqueeze(1)).sum(dim=2).log_softmax(dim=1)
    torch.testing.assert_close(network.head(z).log_softmax(dim=1), due, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("words", ["", ", dim=3"])
def test_no_gradient_reaches_another_block(words: str) -> None:
    seen = set()
    for seed in range(8):
        network = net(f"of=mlp(hidden=(7,)), blocks=3, width=6{words}")
        torch.autograd.backward(loss_of(network, a_batch(), seed))
        reached = [[weight.grad is not None for weight in block.parameters()] for block in network.blocks]
        trained = [number for number, all_or_none in enumerate(reached, 1) if all(all_or_none)]
        assert trained == [block_of(seed)] and sum(map(any, reached)) == 1
        assert network.head.weight.grad is not None
        seen.update(trained)
    assert seen == {1, 2, 3}


@pytest.mark.parametrize("words", ["", ", dim=3"])
def test_the_loss_is_that_of_the_paper(words: str) -> None:
    network, batch, eta = net(f"of=mlp(hidden=(7,)), blocks=3, width=6{words}").double(), a_batch(), 0.3
    batch["given"] = batch["given"].double()
    found = loss_of(network, batch, 4, f"(eta={eta})")
    torch.manual_seed(4)
    block = int(torch.randint(1, 4, ()))
    u = network.vectors[batch["wanted"]]
    before, last = torch.randn(2, *u.shape).double()
    kept = kept_of(3)
    snr = [float(one / (1 - one)) for one in kept]
    z = math.sqrt(kept[block - 1]) * u + math.sqrt(1 - kept[block - 1]) * before
    likely = network.blocks[block - 1](batch["given"], z).softmax(dim=1)
    mean = sum(likely[:, k : k + 1] * network.vectors[k] for k in range(4))
    local = 3 / 2 * eta * (snr[block] - snr[block - 1]) * ((mean - u) ** 2).sum(dim=1).mean()
    end = F.cross_entropy(network.head(math.sqrt(kept[3]) * u + math.sqrt(1 - kept[3]) * last), batch["wanted"])
    law = torch.distributions.Normal(math.sqrt(kept[0]) * u, math.sqrt(1 - kept[0]))
    noise = torch.distributions.Normal(torch.zeros_like(u), 1.0)
    divergence = torch.distributions.kl_divergence(law, noise).sum(dim=1).mean()
    torch.testing.assert_close(found, local + end + divergence, rtol=1e-5, atol=1e-6)


def test_a_step_moves_one_block_and_the_last_layer() -> None:
    one = trainer()
    before = {name: value.clone() for name, value in one.net.state_dict().items()}
    advanced(one, 1)
    moved = {name.split(".")[1] for name, value in one.net.named_parameters() if not torch.equal(value, before[name])}
    assert len(moved & {"0", "1", "2", "3"}) == 1 and "weight" in moved


def test_a_step_holds_about_one_block_of_what_back_propagation_holds() -> None:
    words = "of=small_cnn(width=4), blocks=8, width=6"
    alone, through = (advanced(trainer(words, objective=objective), 1).cost() for objective in (True, False))
    assert alone["parameter_bytes"] == through["parameter_bytes"]
    for name, most in (("saved_bytes", 0.16), ("gradient_bytes", 0.16), ("macs", 0.14)):
        assert alone[name] <= most * through[name]


def test_a_class_may_be_a_vector_that_is_learned() -> None:
    fixed, learned = net(), net("of=mlp, blocks=2, width=6, dim=3")
    assert torch.equal(fixed.vectors, torch.eye(4)) and "vectors" not in dict(fixed.named_parameters())
    torch.autograd.backward(loss_of(learned, a_batch()))
    assert learned.vectors.shape == (4, 3) and learned.vectors.grad.abs().sum() > 0


# --- where it is used ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "shape", "classes"),
    [("mlp", (1, 3, 3), 2), ("small_cnn(width=2)", (3, 9, 7), 5), ("small_resnet(width=2)", (2, 8, 8), 3),
     ("vit(dim=4, depth=1, heads=2)", (1, 8, 6), 11)],
)  # fmt: skip
def test_any_network_any_shape_and_any_number_of_classes(of: str, shape: Any, classes: int) -> None:
    network, batch = net(f"of={of}, blocks=2, width=5", shape, classes), a_batch(3, shape, classes)
    assert torch.isfinite(loss_of(network, batch))
    assert network.eval()(batch["given"]).shape == (3, classes)


def test_what_it_says_of_a_picture_depends_on_the_picture_alone() -> None:
    network, x = net().eval(), a_batch()["given"]
    with torch.no_grad():
        together = network(x)
        torch.manual_seed(5)
        assert torch.equal(network(x), together)
        torch.testing.assert_close(network(x[3:4]), together[3:4])
        torch.testing.assert_close(network(x.flip(0)), together.flip(0))
    noise = network.drawn(x)
    assert noise.shape == (5, 4, 4) and not torch.equal(noise[0], noise[1])
    many = network.drawn(torch.rand(400, *SHAPE))
    assert float(many.mean()) == pytest.approx(0, abs=0.05) and float(many.std()) == pytest.approx(1, abs=0.05)


def test_in_training_noise_is_drawn_anew() -> None:
    network, x = net().train(), a_batch()["given"]
    torch.manual_seed(0)
    first = network(x)
    assert not torch.equal(network(x), first)
    torch.manual_seed(0)
    assert torch.equal(network(x), first)


def test_the_chain_is_used_without_labels_and_one_that_learned_wrong_labels_says_them() -> None:
    """Labels of pictures are turned by one class: a chain that began at true labels would know better."""
    one = trainer("of=mlp(hidden=(16,)), blocks=3, width=16", ", optimizer=adamw(lr=0.01)")
    rng = np.random.default_rng(0)
    prototypes = rng.random((4, *SHAPE), np.float32)
    for _ in range(240):
        labels = rng.integers(4, size=16)
        one.advance({"given": prototypes[labels], "wanted": (labels + 1) % 4})
    one.finish()
    said = one.net(torch.from_numpy(prototypes)).argmax(dim=1)
    assert said.tolist() == [1, 2, 3, 0]


def test_a_block_is_left_after_those_before_it() -> None:
    network, x = net().eval(), a_batch()["given"]
    noise = network.drawn(x)
    torch.testing.assert_close(network.exited(x, 1), network.blocks[0](x, noise[:, 0]))
    z = noise[:, 0]
    for block in (1, 2):
        clean, stays, drawn = (float(one) for one in network.steps[:, block - 1])
        z = clean * network.blocks[block - 1](x, z).softmax(dim=1) + stays * z + drawn * noise[:, block]
    torch.testing.assert_close(network.exited(x, 3), network.blocks[2](x, z))


@pytest.fixture
def chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    """A spec whose checkpoint this process has, and its network."""
    monkeypatch.setenv("NOISEBENCH_TRAINED", "{}")
    one, spec = trainer(), TRAINED.format("of=mlp(hidden=(7,)), blocks=4, width=6", "")
    give_training(tmp_path, spec, one, "classify", SHAPE, (4,))
    return spec, one.net.eval()


def ready(spec: str) -> nb.Classifier:
    made = nb.Classifier(bind(spec, "method", "classify"))
    made.setup()
    return made


def test_early_exit_says_what_a_block_of_the_chain_says(chain: tuple[str, Any]) -> None:
    spec, network = chain
    pictures = [np.random.default_rng(i).random((6, 5, 1), np.float32) for i in range(3)]
    x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    info = nb.Info({"classes": 4, "shape": (6, 5)})
    for block in (1, 4):
        said = ready(f"early_exit(method={spec}, block={block})").classify_all(pictures, info)
        np.testing.assert_allclose(said, network.exited(x, block).detach().numpy(), rtol=1e-4, atol=1e-5)
    whole = ready(spec).classify_all(pictures, info)
    np.testing.assert_allclose(whole, network(x).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_early_exit_of_what_has_no_such_block_is_refused_before_anything_is_trained() -> None:
    def flags(spec: str) -> Any:
        return method_flags(bind(spec, "method", "classify"))

    chain, words = "trained(arch=noprop(blocks=4, of={}))", "early_exit(method={}, block={})"
    assert flags(words.format(chain.format("mlp"), 4))["blind"]
    tuned = f"tuned(method={chain.format('mlp')}, vary='arch.blocks', over=(6, 3))"
    for spec, message in (
        (words.format(chain.format("mlp"), 5), r"block=5 is behind the last of noprop\(blocks=4, of=mlp\)"),
        (words.format(tuned, 4), r"block=4 is behind the last of noprop\(blocks=3, of=mlp\)"),
        ("early_exit(method=uniform)", r"early_exit takes trained\(arch=noprop, …\).*, not uniform"),
        ("early_exit(method=trained(arch=mlp))", ", not trained"),
    ):
        with pytest.raises(nb.UsageError, match=message):
            flags(spec)


def test_the_objective_refuses_another_network() -> None:
    one = bind("small_cnn", "arch")
    with pytest.raises(nb.UsageError, match="objective noprop .*arch=noprop"):
        loss_of(one.entry.obj(SHAPE, (4,), **one.kwargs), a_batch())
    with pytest.raises(nb.UsageError, match="arch=noprop, and no part"):
        advanced(trainer(more=", parts=standardise"), 1)
    with pytest.raises(
        nb.UsageError, match=r"takes pictures \(C, H, W\) and gives logits \(classes,\), not \(1, 6, 5\) to \(1, 6, 5\)"
    ):
        made = bind("noprop", "arch")
        made.entry.obj(SHAPE, SHAPE, **made.kwargs)


# --- feedback alignment --------------------------------------------------------------------------------------


def aligned(*layers: nn.Module) -> Any:
    torch.manual_seed(1)
    return bind("feedback_alignment", "part").entry.obj().prepare(nn.Sequential(*layers))


def test_feedback_alignment_gives_what_the_network_gives_and_goes_back_by_other_weights() -> None:
    first, second = nn.Linear(5, 4), nn.Linear(4, 3)
    network = aligned(first, nn.Tanh(), second)
    x, out = torch.rand(6, 5), torch.rand(6, 3)
    hidden = first(x).tanh()
    torch.testing.assert_close(network(x), F.linear(hidden, second.weight, second.bias))
    torch.autograd.backward((network(x) * out).sum())
    torch.testing.assert_close(second.weight.grad, out.T @ hidden)
    torch.testing.assert_close(second.bias.grad, out.sum(dim=0))
    back = (out @ second.feedback) * (1 - hidden**2)
    torch.testing.assert_close(first.weight.grad, back.T @ x)
    assert not torch.equal(second.feedback, second.weight)


def test_feedback_alignment_of_convolutions_with_strides_and_padding() -> None:
    first, second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, stride=2, padding=1)
    network, x = aligned(first, second), torch.rand(2, 2, 7, 6)
    out = torch.rand_like(network(x))
    torch.autograd.backward((network(x) * out).sum())
    hidden = first(x)
    back = torch.nn.grad.conv2d_input(hidden.shape, second.feedback, out, stride=2, padding=1)
    torch.testing.assert_close(first.weight.grad, torch.nn.grad.conv2d_weight(x, first.weight.shape, back, padding=1))
    due = torch.nn.grad.conv2d_weight(hidden, second.weight.shape, out, stride=2, padding=1)
    torch.testing.assert_close(second.weight.grad, due)


def test_weights_of_the_way_back_stay_and_are_no_part_of_the_checkpoint() -> None:
    spec = "trained(arch=small_cnn(width=2), parts=feedback_alignment, batch=4, steps=8, checks=1)"
    recipe = recipe_of(bind(spec, "method", "classify").kwargs)
    one, again = (Trainer(recipe, SHAPE, (4,), 3, "cpu") for _ in range(2))
    held = [value.clone() for name, value in one.net.named_buffers() if name.endswith("feedback")]
    advanced(one, 3)
    assert not any("feedback" in name for name in one.net.state_dict()) and len(held) == 4
    for network in (one.net, again.net):
        found = [value for name, value in network.named_buffers() if name.endswith("feedback")]
        assert all(torch.equal(a, b) for a, b in zip(held, found, strict=True))


def test_feedback_alignment_needs_a_layer() -> None:
    with pytest.raises(nb.UsageError, match="^part feedback_alignment: .*linear layer: leave out"):
        aligned(nn.ReLU())
