"""Training as a kind of cell: done once, in isolation, resumable, the same bytes each time, and what it costs."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from messages import missing_from
from noisebench.components.registry import bind
from noisebench.engine.train_cell import Diverged, _hear_loss, _State
from noisebench.planning.plan import plan
from noisebench.planning.recipe import recipe_of
from noisebench.store.cell_json import plain_values
from noisebench.store.cells import keys, read_cell, read_record
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError
from noisebench.training.bfloat16 import ProductsInFloat32
from noisebench.training.checkpoint import read_card, read_weights, with_card
from noisebench.training.processor import emulates_bfloat16
from noisebench.training.split import split
from noisebench.training.trainer import Trainer, step_in_one_pass
from warm_python import warm_folder

TINY = "arch=tiny, data=dead_leaves(n=24, size=16), crop=16, batch=4, validation=4"
PLUGIN = """
import noisebench as nb
import torch


@nb.arch("tiny")
class Tiny(torch.nn.Module):
    def __init__(self, given, wanted, *, width: int = 4):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(given[0], width, 3, padding=1), torch.nn.ReLU(),
            torch.nn.Dropout(0.1), torch.nn.Conv2d(width, wanted[0], 3, padding=1),
        )

    def forward(self, x):
        return x + self.body(x)


@nb.arch("nan_in_use")
class NanInUse(Tiny):
    def forward(self, x):
        return super().forward(x) * (1 if self.training else float("nan"))


@nb.arch("first_alone")
class FirstAlone(Tiny):
    def forward(self, x):
        return super().forward(x)[:1]


@nb.arch("smaller")
class Smaller(Tiny):
    def forward(self, x):
        return super().forward(x)[..., :-1, :]


@nb.objective("slow")
def slow(net, batch, *, seconds: float = 0.05):
    import time

    time.sleep(seconds)
    return (net(batch["given"]) - batch["wanted"]).abs().mean()


@nb.objective("breaks")
def breaks(net, batch, *, how: str = "nan"):
    loss = (net(batch["given"]) - batch["wanted"]).abs().mean()
    breaks.calls = getattr(breaks, "calls", 0) + 1
    if how == "error" and breaks.calls > 8:
        raise ValueError("broken on purpose")
    return loss * float("nan") if how == "nan" and breaks.calls > 8 else loss
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    file = tmp_path / "training_plugin.py"
    file.write_text(PLUGIN)
    return file


def trained_cells(store: Path) -> list[Any]:
    cells = [read_cell(store, key) for key in keys(store)]
    return [cell for cell in cells if cell.kind == "train"]


def weights_in(store: Path) -> list[Path]:
    return sorted(store.rglob("weights.safetensors"))


@pytest.fixture
def train(cli: Any, plugin: Path) -> Any:
    """Run methods on two small pictures."""

    def call(*methods: str, store: str = "s", code: int = 0, **more: Any) -> Any:
        given = [str(word) for name, value in more.items() for word in (f"--{name}", *([value] if value else []))]
        return cli(
            "run", "--methods", *methods, "--datasets", "gaussian_field(n=2, size=16)", "--regimes",
            "gaussian(sigma=25)", "--plugin", plugin, "--store", store, *given, code=code,
        )  # fmt: skip

    return call


def test_a_recipe_is_trained_once_and_used_by_every_cell_that_names_it(train: Any, cli: Any, tmp_path: Path) -> None:
    train(f"trained({TINY}, steps=6, checks=2)")
    (cell,) = trained_cells(tmp_path / "s")
    assert cell.training.steps == 6 and [p.step for p in cell.training.curve] == [3, 6]
    done = train(f"trained({TINY}, steps=6, checks=2)")
    assert "(0 run now)" in done.stdout
    others = ("--datasets", "gaussian_field(n=1, size=24)", "--regimes", "poisson(peak=30)")
    method = f"trained({TINY}, steps=6, checks=2)"
    plugin = tmp_path / "training_plugin.py"
    more = cli("run", "--methods", method, *others, "--plugin", plugin, "--store", "s")
    assert "(1 run now)" in more.stdout and len(trained_cells(tmp_path / "s")) == 1
    scored = [read_cell(tmp_path / "s", k) for k in keys(tmp_path / "s")]
    assert {tuple(c.trained.values()) for c in scored if c.kind == "score"} == {(cell.key,)}


def test_a_wrapper_trains_what_it_wraps(train: Any, tmp_path: Path) -> None:
    train(f"ensemble(method=trained({TINY}, steps=4, checks=1))", f"trained({TINY}, steps=4, checks=1)")
    assert len(trained_cells(tmp_path / "s")) == 1


def test_a_seed_that_is_not_said_is_that_of_the_cell(train: Any, tmp_path: Path) -> None:
    spec = f"trained({TINY}, steps=3, checks=1)"
    train(spec, seed="0")
    train(spec, seed="1")
    train(f"trained({TINY}, steps=3, checks=1, seed=7)", seed="0")
    train(f"trained({TINY}, steps=3, checks=1, seed=7)", seed="1")
    assert sorted(c.seed for c in trained_cells(tmp_path / "s")) == [0, 1, 7]


def test_the_same_recipe_gives_the_same_bytes_in_another_store(train: Any, tmp_path: Path) -> None:
    spec = f"trained({TINY}, steps=8, checks=2)"
    train(spec, store="a")
    train(spec, store="b")
    (a,), (b,) = trained_cells(tmp_path / "a"), trained_cells(tmp_path / "b")
    tensors = [read_weights(weights_in(tmp_path / name)[0]) for name in "ab"]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert [p.score for p in a.training.curve] == [p.score for p in b.training.curve]


def test_a_killed_training_goes_on_from_its_snapshot_and_ends_as_if_it_had_not_been(
    train: Any, plugin: Path, tmp_path: Path
) -> None:
    spec = f"trained({TINY}, objective=slow(seconds=0.05), optimizer=adam, steps=30, checks=3)"
    words = [
        warm_folder() / "noisebench", "run", "--methods", spec, "--datasets", "gaussian_field(n=2, size=16)",
        "--regimes", "gaussian(sigma=25)", "--plugin", str(plugin), "--store", "s",
    ]  # fmt: skip
    run = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not list((tmp_path / "s").rglob("snapshot")) and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    (left,) = (tmp_path / "s").rglob("snapshot")
    length = int.from_bytes(left.read_bytes()[:8], "little")
    step = json.loads(left.read_bytes()[8 : 8 + length])["step"]
    assert 0 < step < 30 and not trained_cells(tmp_path / "s")
    checked = [int(number) for number in re.findall(r"step (\d+) of 30", train(spec).stderr)]
    assert checked == [number for number in range(10, 31, 10) if number > step], "what was done is not done again"
    train(spec, store="whole")
    (resumed,), (whole,) = trained_cells(tmp_path / "s"), trained_cells(tmp_path / "whole")
    tensors = [read_weights(weights_in(tmp_path / name)[0]) for name in ("s", "whole")]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    for a, b in zip(resumed.training.curve, whole.training.curve, strict=True):
        assert (a.step, a.loss, a.score) == (b.step, b.loss, b.score)


def test_a_loss_that_is_no_number_is_an_outcome_with_its_step_and_blocks_what_needs_it(
    train: Any, tmp_path: Path
) -> None:
    done = train(f"trained({TINY}, objective=breaks, steps=20, checks=1)", code=1)
    (cell,) = trained_cells(tmp_path / "s")
    assert cell.outcome == "diverged" and "loss" in cell.reason and cell.reason.endswith("not finite at step 7")
    assert "diverged" in done.stdout and "blocked" in done.stdout
    again = train(f"trained({TINY}, objective=breaks, steps=20, checks=1)", code=1)
    assert "1 cells to run, 1 stored already" in again.stderr or "1 cell to run, 1 stored already" in again.stderr


def test_a_rate_that_is_too_large_has_diverged(train: Any, tmp_path: Path) -> None:
    train(f"trained({TINY}, optimizer=sgd(lr=1e6), schedule=constant, steps=40, checks=1)", code=1)
    (cell,) = trained_cells(tmp_path / "s")
    assert cell.outcome == "diverged" and " at step " in cell.reason


def _heard(losses: list[float]) -> _State:
    state = _State()
    for loss in losses:
        state.step += 1
        _hear_loss(state, loss, len(losses))
    return state


def test_a_loss_that_stays_far_above_the_first_has_diverged_and_one_that_is_so_at_times_has_not() -> None:
    # As of a chain of blocks, of which the first step drew the one that learns most easily.
    blocks = [0.01, 22.0, 0.5, 3.0, 0.02]
    assert len(_heard(blocks * 40).losses) == 200
    with pytest.raises(Diverged, match=r"^the loss was 11 at step 12, .*1000 times .* 10 of 12"):
        _heard([0.01, 0.02] + [11.0] * 30)
    with pytest.raises(Diverged, match="at step 118, .* at 10 of 20 steps"):
        _heard([0.01] * 99 + [11.0, 0.01] * 30)
    with pytest.raises(Diverged, match="at step 3, .* at 2 of 3 steps"):
        _heard([0.01, 11.0, 11.0, 0.01])


def test_an_output_that_is_not_finite_when_it_is_validated_has_diverged(train: Any, tmp_path: Path) -> None:
    train(f"trained({TINY.replace('tiny', 'nan_in_use')}, steps=4, checks=2)", code=1)
    (cell,) = trained_cells(tmp_path / "s")
    assert cell.outcome == "diverged" and "network" in cell.reason and cell.reason.endswith("not finite at step 2")


def test_pictures_that_are_tested_are_refused_in_training(cli: Any, tmp_path: Path) -> None:
    import noisebench as nb

    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    for i in range(6):
        picture = np.random.default_rng(i).integers(0, 256, (24, 24), np.uint8)
        nb.write_picture(tmp_path / "train" / f"a{i}.png", picture)
        if i == 3:
            nb.write_picture(tmp_path / "test" / "renamed.png", picture)
    words = ["run", "--methods", 'trained(data=folder(path="train"), validation=1, crop=16, steps=2, checks=1)']
    done = cli(*words, "--datasets", 'folder(path="test")', "--regimes", "gaussian(sigma=25)", code=2)
    assert (
        "trains on 1 picture of folder(path=test), which is tested: such as 'a3', which is 'renamed' there"
        in done.stderr
    )
    assert not (tmp_path / "nb-store").exists()
    nb.write_picture(tmp_path / "test" / "renamed.png", 255 - picture)
    cli(*words, "--datasets", 'folder(path="test")', "--regimes", "gaussian(sigma=25)")


def test_pictures_that_are_tested_are_refused_in_training_though_a_row_is_cut_off(cli: Any, tmp_path: Path) -> None:
    import noisebench as nb
    from noisebench.components.registry import bind

    photos = nb.open_dataset(bind("photos", "dataset", "restore"))
    for folder, places in (("train", (0, 1, 2, 3)), ("test", (0, 1, 2)), ("other", (1, 6, 7))):
        (tmp_path / folder).mkdir()
        for i in places:
            cut = slice(1, None) if folder == "train" else slice(None)
            nb.write_picture(
                tmp_path / folder / f"{'cut' if folder == 'train' else 'whole'}{i}.png", photos.load(i).clean[cut]
            )
    words = ["run", "--regimes", "gaussian(sigma=25)", "--dry-run", "--methods"]
    trained = "trained(data={}, validation=1, crop=16, steps=2, checks=1)"
    own = trained.format('folder(path="train")')
    done = cli(*words, own, "--datasets", 'folder(path="test")', code=2)
    assert (
        re.search(r"folder\(path=train\) .* 3 of 3 pictures of folder\(path=test\)", done.stderr)
        and "such as 'cut0' of 'whole0' there; train on other pictures" in done.stderr
    )
    # One of three is no copy of the set; and a training that is told no truth may see what is tested.
    cli(*words, own, "--datasets", 'folder(path="other")')
    untold = trained.format('noisy_only(of=noisy(of=folder(path="train"), regime=gaussian(sigma=25)))')
    cli(*words, untold.replace("steps=2", "regime=real, steps=2"), "--datasets", 'folder(path="test")')


def test_made_pictures_are_refused_where_they_are_tested() -> None:
    suite = Suite(methods=("trained(data=dead_leaves(n=30))",), regimes=("none",), datasets=("dead_leaves(n=4)",))
    with pytest.raises(Exception, match="trains on 4 pictures of dead_leaves"):
        plan(suite)
    plan(Suite(methods=suite.methods, regimes=suite.regimes, datasets=("dead_leaves(n=4, seed=1)",)))


def test_validation_is_split_off_by_key_whatever_the_order() -> None:
    ids = [f"p{i}" for i in range(40)]
    chosen, kept = split(ids, 8, "d")
    assert sorted(chosen + kept) == list(range(40)) and len(kept) == 8
    backwards = split(ids[::-1], 8, "d")[1]
    assert {ids[i] for i in kept} == {ids[::-1][i] for i in backwards}
    with pytest.raises(UsageError, match="^d has 40 items, and 40 .*: .* validation=N, at most 39"):
        split(ids, 40, "d")


def trainer(spec: str, given: tuple[int, ...] = (1, 16, 16)) -> Trainer:
    return Trainer(recipe_of(bind(spec, "method").kwargs), given, given, 0, "cpu")


def batch(n: int = 4, channels: int = 1, side: int = 16) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {name: rng.random((n, channels, side, side), np.float32) for name in ("given", "wanted")}


@pytest.mark.parametrize(("optimizer", "copies", "counters"), [("sgd", 1, 0), ("adam", 2, 1), ("adamw", 2, 1)])
def test_the_bytes_of_an_optimiser_are_counted_exactly(optimizer: str, copies: int, counters: int) -> None:
    one = trainer(f"trained(arch=dncnn(depth=3, width=5, norm=False), optimizer={optimizer}, steps=3, checks=1)")
    for _ in range(2):
        one.advance(batch())
    # 1→5, 5→5, 5→1 channels, 3×3, with biases: six tensors.
    parameters = 9 * (5 + 25 + 5) + 5 + 5 + 1
    cost = one.cost()
    assert cost["parameter_bytes"] == cost["gradient_bytes"] == 4 * parameters
    assert cost["optimizer_bytes"] == 4 * (copies * parameters + counters * 6)


def test_the_bytes_that_a_step_saves_and_its_macs_are_those_of_a_hand_count() -> None:
    arch, loss = "dncnn(depth=2, width=3, norm=False)", "supervised(loss=l2)"
    one = trainer(f"trained(arch={arch}, objective={loss}, precision=float32, steps=2, checks=1)")
    one.advance(batch(n=2))
    pixels = 2 * 16 * 16
    cost = one.cost()
    # Saved: the input, what the ReLU gives (it is the next input too), and the difference that is squared.
    assert cost["saved_bytes"] == 4 * pixels * (1 + 3 + 1)
    forward = pixels * 9 * (3 + 3)
    # Backward: the gradients of both kernels, and that of the second input; the first input needs none.
    assert cost["macs"] == forward + pixels * 9 * (3 + 3) + pixels * 9 * 3


def test_counting_leaves_the_training_as_it_is() -> None:
    spec = "trained(arch=dncnn(depth=4, width=4), steps=4, checks=1)"
    one, other = trainer(spec), trainer(spec)
    other._count = lambda batch: None  # type: ignore[method-assign]
    for _ in range(4):
        assert one.advance(batch()) == other.advance(batch())
    assert one.weights() == other.weights()


@pytest.mark.parametrize(
    "arch", ["unet(width=4, depth=3)", "dncnn(depth=3, width=4)", "nafnet(width=4, blocks=(1, 1))"]
)
@pytest.mark.parametrize("scale", [1, 2])
def test_networks_take_any_size_and_enlarge_by_a_whole_factor(arch: str, scale: int) -> None:
    made = bind(arch, "arch")
    net = made.entry.obj((3, 16, 16), (3, 16 * scale, 16 * scale), **made.kwargs).eval()
    for height, width in ((1, 1), (7, 13), (32, 16)):
        assert net(torch.rand(2, 3, height, width)).shape == (2, 3, height * scale, width * scale)


@pytest.mark.parametrize("arch", ["unet(width=4, bias_free=True)", "dncnn(depth=3, width=4, bias_free=True)"])
def test_a_network_without_biases_scales_with_its_input(arch: str) -> None:
    made = bind(arch, "arch")
    net = made.entry.obj((1, 16, 16), (1, 16, 16), **made.kwargs).eval()
    x = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(net(3 * x), 3 * net(x), rtol=1e-5, atol=1e-6)
    assert not any("bias" in name for name, _ in net.named_parameters())


def test_a_sampler_takes_each_item_once_an_epoch() -> None:
    made = bind("shuffled", "sampler")
    order = made.entry.obj(10, 4, 3)
    places = [place for step in range(5) for place in order(step)]
    assert sorted(places[:10]) == sorted(places[10:]) == list(range(10)) and places[:10] != places[10:]
    assert made.entry.obj(10, 4, 3)(4) == order(4)


def test_patience_stops_a_training(train: Any, tmp_path: Path) -> None:
    train(f"trained({TINY}, optimizer=sgd(lr=1e-9), stop=patience(checks=2), steps=50, checks=10)")
    (cell,) = trained_cells(tmp_path / "s")
    training = cell.training
    assert training.steps < 50 and training.stopped == "no better score in 2 validations"


def test_a_plug_in_network_is_trained_by_several_optimisers_in_one_command(
    train: Any, cli: Any, tmp_path: Path
) -> None:
    sweep = "{sgd, adam, adamw}"
    train(f"trained({TINY}, optimizer={sweep}, steps=4, checks=1)")
    assert len(trained_cells(tmp_path / "s")) == 3
    cli("report", "s", "--to", "board")
    assert "optimizer=sgd" in (tmp_path / "board" / "leaderboard.md").read_text()


def test_a_checkpoint_travels_as_one_file_and_is_used_where_the_key_fits(
    train: Any, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = f"trained({TINY}, steps=5, checks=1)"
    train(spec, store="a")
    cli("weights", "export", "a", "--to", "net.safetensors")
    card = read_card(tmp_path / "net.safetensors")
    assert card.key == trained_cells(tmp_path / "a")[0].key and card.training.steps == 5
    listed = cli("weights", "ls", "a").stdout
    assert card.key[:12] in listed
    shown = cli("weights", "card", "net.safetensors").stdout
    assert "optimizer_bytes" in shown and card.key in shown
    cli("weights", "import", "net.safetensors")
    train(spec, store="b")
    (cell,) = trained_cells(tmp_path / "b")
    assert cell.training.imported is True
    assert weights_in(tmp_path / "b")[0].read_bytes() == (tmp_path / "net.safetensors").read_bytes()


def test_a_card_is_shown_on_lines_of_printable_text_and_a_damaged_one_is_named(cli: Any, tmp_path: Path) -> None:
    hostile = "net\n\x1b[31mkey 0"
    one = trainer("trained(arch=dncnn(depth=3, width=5, norm=False), steps=1, checks=1)")
    training: Any = {
        "recipe": one.recipe.text, "given": [1, 16, 16], "wanted": [1, 16, 16], "validation": [], "metric": hostile,
        "higher": True, "steps": 0, "of": 1, "stopped": "", "score": 1.0, "curve": [], "cost": one.cost(),
        "figures": {},
    }  # fmt: skip
    card: Any = {
        "key": "0" * 64, "track": "restore", "method": hostile, "data": {"spec": hostile}, "regime": hostile,
        "seed": 7, "training": training, "environment": {},
    }  # fmt: skip
    file = tmp_path / "net.safetensors"
    file.write_bytes(with_card(one.weights(), card))
    lines = cli("weights", "card", file).stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines[:5]] == ["key", "method", "seed", "data", "regime"]
    assert all(line.isprintable() for line in lines)
    deep: Any = {}
    for _ in range(900):
        deep = {"a": deep}
    for wrong in ({"data": None}, {"environment": deep}, {"method": 5}, {"track": ["x"]}, {"seed": "7"}):
        file.write_bytes(with_card(one.weights(), {**plain_values(card), **wrong}))
        for verb in (("card", file, "--json"), ("import", file)):
            said = cli("weights", *verb, code=2).stderr
            assert "its card is damaged" in said and said.count("\n") == 1


def test_a_checkpoint_that_is_lost_is_trained_again_and_one_that_was_changed_is_named(
    train: Any, cli: Any, tmp_path: Path
) -> None:
    spec = f"trained({TINY}, steps=5, checks=1)"
    train(spec)
    (file,) = weights_in(tmp_path / "s")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert "weights.safetensors is damaged" in cli("store", "verify", "s", code=1).stdout
    said = cli("weights", "export", "s", "--to", "x", code=2).stderr
    assert not missing_from(said, "weights.safetensors ", "`noisebench store rm`", "run again")
    file.unlink()
    assert "weights.safetensors is missing" in cli("store", "verify", "s", code=1).stdout
    train(spec)
    assert weights_in(tmp_path / "s")[0].read_bytes()[-50:] == data[-50:]
    assert cli("store", "verify", "s").returncode == 0


def test_a_damaged_checkpoint_is_trained_again_before_a_cell_uses_it(train: Any, cli: Any, tmp_path: Path) -> None:
    spec = f"trained({TINY}, steps=5, checks=1)"
    train(spec, store="whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "s")
    (file,) = weights_in(tmp_path / "s")
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert "(0 run now)" in train(spec).stdout, "no cell needs it"
    (scored,) = (key for key in keys(tmp_path / "s") if read_cell(tmp_path / "s", key).kind == "score")
    cli("store", "rm", "s", scored, "--yes")
    assert "2 to run, 0 stored" in train(spec, **{"dry-run": ""}).stderr
    assert "2 cells: 2 ok (2 run now)" in train(spec).stdout
    assert cli("store", "verify", "s").returncode == 0
    assert read_record(tmp_path / "s", scored).output_sha256 == read_record(tmp_path / "whole", scored).output_sha256


def test_what_is_no_checkpoint_is_refused(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 64)
    done = cli("weights", "import", "x.safetensors", code=2)
    assert not missing_from(done.stderr, "x.safetensors is", "not a checkpoint", "`noisebench weights export`")
    assert done.stderr.count("\n") == 1


def test_a_card_leaves_the_tensors_as_they_are() -> None:
    from safetensors.torch import load, save

    tensors = {"a": torch.arange(5.0), "b": torch.ones(2, 3, dtype=torch.int64)}
    made = load(with_card(save(tensors), {"key": "k"}))  # type: ignore[arg-type]
    assert made.keys() == tensors.keys() and all(torch.equal(made[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize(("arch", "made"), [("first_alone", r"\(1, 1, 16, 16\)"), ("smaller", r"\(4, 1, 15, 16\)")])
def test_a_network_whose_output_a_loss_would_stretch_is_not_trained(
    train: Any, tmp_path: Path, arch: str, made: str
) -> None:
    train(f"trained({TINY.replace('tiny', arch)}, steps=6, checks=2)", code=1)
    (cell,) = trained_cells(tmp_path / "s")
    due = rf"arch {arch} returns {made} for \(4, 1, 16, 16\): return \(4, 1, 16, 16\)"
    assert cell.outcome == "failed" and re.fullmatch(due, cell.reason)


@pytest.mark.parametrize(
    ("method", "code", "said"),
    [
        ("trained(optimizer=adamx)", 2, "unknown optimizer 'adamx': did you mean 'adam'"),
        ("trained(steps=3, checks=4)", 2, "checks=4 are more than steps=3"),
        ("trained(data=dead_leaves(n=8))", 2, "nothing is left to train on"),
        ("trained(crop=128)", 2, "give crop=96 or less"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    train: Any, tmp_path: Path, method: str, code: int, said: str
) -> None:
    done = train(method, code=code)
    assert said in done.stderr + done.stdout and (tmp_path / "s").exists() == (code == 1)


def test_bsd400_is_a_training_set_and_marks_methods_that_saw_it(data_dir: Path) -> None:
    import noisebench as nb
    from noisebench.planning.cells import method_part

    assert len(nb.open_dataset(bind("bsd400", "dataset")).ids) == 400
    assert method_part(bind("trained(data=bsd400)", "method")).flags["trained_on"] == ["bsd400"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_network_is_trained_on_a_cuda_device(train: Any, tmp_path: Path) -> None:
    train(f"trained({TINY}, steps=4, checks=1)", device="cuda")
    assert trained_cells(tmp_path / "s")[0].environment["device"] == "cuda"


def test_evaluate_trains_once_and_gives_the_numbers_of_a_run(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import noisebench as nb

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spec = "trained(arch=unet(width=4, depth=1), data=dead_leaves(n=24, size=16), crop=16, batch=4, steps=5, checks=1)"
    mine = nb.evaluate(spec, "gaussian_field(n=2, size=16)", "gaussian(sigma=25)")
    (cell,) = trained_cells(tmp_path / "cache" / "noisebench" / "trained")
    assert cell.training.steps == 5
    cli("run", "--methods", spec, "--datasets", "gaussian_field(n=2, size=16)", "--regimes", "gaussian(sigma=25)")
    frame = nb.frame(tmp_path / "nb-store")
    assert list(frame["psnr"].dropna()) == [row["psnr"] for row in mine.rows]


@pytest.mark.parametrize("batch", [4, 2048])
def test_an_error_of_a_step_is_told_though_the_next_batch_is_under_way(train: Any, tmp_path: Path, batch: int) -> None:
    # 2048 pictures are more than lie between two processes: the next batch is still being sent when the step fails.
    broken = f"trained({TINY.replace('batch=4', f'batch={batch}')}, objective=breaks(how=error), steps=20, checks=1)"
    train(broken, code=1)
    (cell,) = trained_cells(tmp_path / "s")
    assert cell.outcome == "failed" and "broken on purpose" in cell.reason


@pytest.mark.parametrize(
    ("recipe", "fused"),
    [
        ("precision=bfloat16, optimizer=adamw", True),
        ("precision=float32, optimizer=adamw", None),
        ("precision=bfloat16, optimizer=sgd", None),
    ],
)
def test_adam_goes_once_over_each_parameter_in_mixed_precision_alone(recipe: str, fused: bool | None) -> None:
    one = trainer(f"trained(arch=dncnn(depth=2, width=2), steps=2, checks=1, {recipe})")
    assert [group["fused"] for group in one.optimizer.param_groups] == [fused]
    before = {name: value.clone() for name, value in one.net.state_dict().items()}
    assert math.isfinite(one.advance(batch())) and math.isfinite(one.advance(batch()))
    assert any(not torch.equal(value, before[name]) for name, value in one.net.state_dict().items())


def laid_out(one: Trainer) -> set[bool]:
    """Whether channels lie last in the weights of convolutions that have several of them."""
    layers = [layer for layer in one.net.modules() if isinstance(layer, torch.nn.Conv2d)]
    return {not layer.weight.is_contiguous() for layer in layers if layer.in_channels > 1}


@pytest.mark.parametrize(
    ("recipe", "last"),
    [
        ("arch=unet(width=4, depth=2), precision=bfloat16", True),
        ("arch=unet(width=4, depth=2), precision=float32", False),
        ("arch=dncnn(depth=3, width=4), precision=bfloat16", False),
    ],
)
def test_weights_lie_with_channels_last_in_mixed_precision_where_a_network_asks_for_it(recipe: str, last: bool) -> None:
    one = trainer(f"trained({recipe}, steps=2, checks=1)")
    before = {name: value.clone() for name, value in one.net.state_dict().items()}
    one._count({name: torch.from_numpy(value) for name, value in batch().items()})
    assert laid_out(one) == {last}
    assert all(torch.equal(value, before[name]) for name, value in one.net.state_dict().items())
    one.advance(batch())
    assert laid_out(one) == {last}


def test_a_training_in_mixed_precision_goes_on_from_a_snapshot_bit_by_bit() -> None:
    spec = "trained(arch=unet(width=4, depth=2), precision=bfloat16, steps=4, checks=1)"
    through, begun, gone_on = trainer(spec), trainer(spec), trainer(spec)
    for _ in range(4):
        through.advance(batch())
    for _ in range(2):
        begun.advance(batch())
    gone_on.resume(begun.snapshot())
    assert laid_out(gone_on) == {True}
    for _ in range(2):
        gone_on.advance(batch())
    assert gone_on.weights() == through.weights()


def test_draws_on_a_cpu_leave_nothing_with_devices_that_are_not_there() -> None:
    one = trainer("trained(arch=dncnn(depth=2, width=2), steps=3, checks=1)")
    one.advance(batch())
    kept = len(torch.cuda._queued_calls)
    one.advance(batch())
    assert len(torch.cuda._queued_calls) == kept


def test_a_network_with_complex_parameters_is_trained_in_mixed_precision_too() -> None:
    weight = torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))
    optimizer = torch.optim.AdamW([weight])
    step_in_one_pass(optimizer)
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    assert not torch.equal(weight.detach(), torch.ones(2, dtype=torch.complex64))


def test_parts_that_look_see_full_precision_in_a_training_of_half_of_it() -> None:
    one = trainer("trained(arch=dncnn(depth=2, width=2), precision=bfloat16, steps=1, checks=1)")
    seen: list[torch.dtype] = []
    first = next(layer for layer in one.net.modules() if isinstance(layer, torch.nn.Conv2d))
    first.register_forward_hook(lambda layer, given, made: seen.append(made.dtype))

    class Looks:
        def observe(self, net: Any, batch: Any, loss: Any, step: int, steps: int) -> None:
            seen.clear()
            loss(batch)
            assert seen == [torch.float32]
            seen.clear()

    one.parts = [Looks()]
    one.advance(batch())
    assert seen == [torch.bfloat16]


@pytest.mark.parametrize(
    ("told", "emulates"),
    [
        ("flags\t\t: fpu sse2 avx2 fma\n", True),
        ("flags\t\t: fpu avx512f avx512_bf16\n", False),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", False),
        ("Features\t: fp asimd bf16\n", False),
        ("Features\t: fp asimd\n", True),
        ("flags\t\t: fpu avx2\nbugs\t\t: bf16\n", True),
        ("model name\t: of no known instructions\n", False),
        ("", False),
    ],
)
def test_a_processor_without_instructions_for_bfloat16_is_known(told: str, emulates: bool) -> None:
    assert emulates_bfloat16(told) is emulates


def products(x: torch.Tensor, w: torch.Tensor) -> list[torch.Tensor]:
    """A convolution, a layer, products of one matrix and of many, and attention, with the gradients of their sum."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    made = [
        F.conv2d(x, w, w[:, 0, 0, 0], padding=1),
        F.linear(x.flatten(1), w.flatten(1)[:, :1].expand(-1, x[0].numel()), w[:, 0, 0, 0]),
        x[0, 0] @ x[1, 1],
        x[0] @ x[1],
        F.scaled_dot_product_attention(x, x, x),
    ]
    total = sum((one.float().square().sum() for one in made), torch.zeros(()))
    torch.autograd.backward(total)
    assert x.grad is not None and w.grad is not None
    return [*made, x.grad, w.grad]


def test_sums_of_products_of_bfloat16_are_made_in_float32_and_rounded_once() -> None:
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 6, 6, generator=draws).bfloat16()
    w = torch.randn(4, 3, 3, 3, generator=draws).bfloat16()
    with ProductsInFloat32():
        ours = products(x, w)
    assert all(one.dtype == torch.bfloat16 for one in ours)
    assert torch.equal(ours[0], F.conv2d(x.float(), w.float(), w.float()[:, 0, 0, 0], padding=1).bfloat16())
    assert torch.equal(ours[3], (x[0].float() @ x[1].float()).bfloat16())
    # Those of torch itself, whose sums are others: a rounding is 2^-8 of a value, and gradients have several.
    for one, torchs in zip(ours, products(x, w), strict=True):
        assert one.sub(torchs).abs().max() <= 4 * 2**-8 * torchs.abs().max()
    # What is no bfloat16 is left as it is.
    with ProductsInFloat32():
        assert torch.equal(F.conv2d(x.float(), w.float()), F.conv2d(x.float(), w.float()))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_without_instructions_for_bfloat16_saves_and_learns_as_with_them(precision: str) -> None:
    spec = f"trained(arch=dncnn(depth=3, width=4), precision={precision}, steps=4, checks=1)"
    losses, costs = [], []
    for emulates in (False, True):
        one = trainer(spec)
        one._emulates = emulates
        losses.append([one.advance(batch()) for _ in range(4)])
        costs.append(one.cost())
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
    assert all(costs[0][name] == costs[1][name] > 0 for name in ("saved_bytes", "macs", "gradient_bytes"))
