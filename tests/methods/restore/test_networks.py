"""Published networks: the numbers they must give, and what is done with a file that is not theirs."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import struct
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.plugins import load_plugin
from noisebench.components.registry import bind
from noisebench.data.checkpoints import read_checkpoint
from noisebench.data.weights import find_weights, read_weight_table
from noisebench.methods.restore import _conv_stacks as networks
from noisebench.methods.restore import bf_cnn, dncnn, ffdnet
from noisebench.planning.cells import method_part
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite

TABLE = read_weight_table(Path(networks.__file__).with_name("weights.csv"))
FILES = [(network, known) for network, several in TABLE.items() for known in several]


@pytest.fixture
def weights(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of published weights, as the only place where they are looked for."""
    folder = data_dir / "weights"
    if not folder.is_dir():
        pytest.skip(f"no weights at {folder}")
    monkeypatch.setenv("NOISEBENCH_DATA", str(data_dir))
    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    """As a cell runs; and two threads on a busy machine are slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, as the only place where they are looked for."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("NOISEBENCH_WEIGHTS", str(folder))
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


# ---- numbers


def first_pictures_psnr(data: Path, method: str, n: int, sigma: float, folder: str = "Set12") -> list[float]:
    """PSNR of a method on the first pictures of a set, by the protocol's definition and not by the harness."""
    import cv2

    network = nb.Restorer(nb_bind(method))
    network.setup()
    found = []
    for path in sorted((data / folder).glob("*.png"))[:n]:
        clean = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        clean = clean[:, :, ::-1] if clean.ndim == 3 else clean[:, :, None]
        noise = np.random.RandomState(0).normal(0, sigma / 255.0, clean.shape)
        noisy = torch.from_numpy(np.float32(clean / 255 + noise).transpose(2, 0, 1)[None].copy())
        out = network.call(noisy, nb.Info({"sigma": sigma / 255})).numpy()[0].transpose(1, 2, 0)
        byte = np.rint(np.clip(out.astype(np.float64), 0, 1) * 255)
        found.append(10 * np.log10(255**2 / np.mean((byte - clean) ** 2)))
    return found


def nb_bind(method: str):
    from noisebench.components.registry import bind

    return bind(method, "method")


@pytest.mark.data
@pytest.mark.parametrize(
    ("method", "sigma", "psnr"),
    [
        ("dncnn", 25, (30.2076, 33.1007)),
        ("ffdnet", 25, (30.0484, 33.2589)),
        ("bf_cnn", 25, (29.8747, 33.0389)),
    ],
)
def test_harness_gives_the_values_of_the_bare_definition(
    weights: Path, data_dir: Path, method: str, sigma: int, psnr: tuple[float, float]
) -> None:
    result = nb.evaluate(method, "set12", f"kair(sigma={sigma})", metrics=("psnr",), limit=2)
    ours = [row["psnr"] for row in result.rows]
    assert ours == pytest.approx(first_pictures_psnr(data_dir, method, 2, sigma), abs=1e-9)
    assert ours == pytest.approx(psnr, abs=1e-3)


@pytest.mark.data
@pytest.mark.parametrize(("method", "psnr"), [("ffdnet(color=True)", 31.0287), ("dncnn(weights=color_blind)", 31.1158)])
def test_colour_networks_take_rgb(weights: Path, method: str, psnr: float) -> None:
    result = nb.evaluate(method, "cbsd68", "kair(sigma=15)", metrics=("psnr",), limit=1)
    assert result.psnr == pytest.approx(psnr, abs=1e-3)


@pytest.mark.data
@pytest.mark.parametrize(("variant", "psnr"), [("saoyan_s25", 30.1505), ("saoyan_blind", 30.0733), ("blind", 30.0332)])
def test_other_trainings_of_dncnn(weights: Path, variant: str, psnr: float) -> None:
    result = nb.evaluate(f"dncnn(weights={variant})", "set12", "kair(sigma=25)", metrics=("psnr",), limit=1)
    assert result.psnr == pytest.approx(psnr, abs=1e-3)


def random_state(names: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return {name: torch.rand(*shape, generator=rng) + 0.1 for name, shape in names.items()}


def test_folding_a_batch_norm_changes_nothing() -> None:
    norm = {f"module.dncnn.3.{p}": (5,) for p in ("weight", "bias", "running_mean", "running_var")}
    kernels = {"module.dncnn.0.weight": (5, 1, 3, 3), "module.dncnn.2.weight": (5, 5, 3, 3)}
    state = random_state({**kernels, **norm, "module.dncnn.5.weight": (1, 5, 3, 3)})
    state["module.dncnn.3.num_batches_tracked"] = torch.tensor(4)
    nn = torch.nn
    plain = nn.Sequential(
        nn.Conv2d(1, 5, 3, padding=1, bias=False), nn.ReLU(),
        nn.Conv2d(5, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 1, 3, padding=1, bias=False),
    ).eval()  # fmt: skip
    plain.load_state_dict({k.removeprefix("module.dncnn."): v for k, v in state.items()})
    folded = networks.stack(dncnn.dncnn_with_norm(state), [1, 5, 5, 1])
    x = torch.rand(1, 1, 9, 8, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(folded(x), plain(x), rtol=1e-5)


def test_bf_cnn_norm_divides_by_the_root_plus_epsilon_and_ignores_stored_mean_and_bias() -> None:
    shapes = {"first_layer.weight": (4, 1, 3, 3), "last_layer.weight": (1, 4, 3, 3)}
    for n in range(18):
        shapes[f"hidden_layer_list.{n}.weight"] = (4, 4, 3, 3)
        shapes |= {f"bn_layer_list.{n}.{p}": (4,) for p in ("weight", "bias", "running_mean", "running_var")}
    state = random_state(shapes)
    layers = bf_cnn.bias_free(state)
    scale = state["bn_layer_list.7.weight"] / (state["bn_layer_list.7.running_var"].sqrt() + 1e-5)
    kernel = state["hidden_layer_list.7.weight"] * scale.reshape(4, 1, 1, 1)
    assert len(layers) == 20 and all(bias is None for _, bias in layers)
    assert torch.allclose(layers[8][0], kernel, rtol=1e-6)


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(nb.UsageError, match="1 convolutions .*2 of this network: give"):
        networks.stack([(torch.zeros(4, 1, 3, 3), None)], [1, 4, 1])


@pytest.mark.data
def test_bf_cnn_is_homogeneous(weights: Path) -> None:
    network = nb.Restorer(nb_bind("bf_cnn"))
    network.setup()
    noisy = torch.rand(1, 1, 24, 31, generator=torch.Generator().manual_seed(1))
    once = network.call(noisy, nb.Info())
    assert torch.allclose(network.call(4 * noisy, nb.Info()), 4 * once, atol=1e-5)
    assert not torch.allclose(once, noisy, atol=1e-3)


@pytest.mark.data
def test_parameter_counts_are_those_of_the_papers(weights: Path) -> None:
    counts = {}
    for method in ("dncnn", "dncnn(weights=blind)", "dncnn(weights=color_blind)", "ffdnet", "ffdnet(color=True)"):
        made = nb_bind(method)
        network = made.entry.obj(**made.kwargs)
        network.setup("cpu")
        counts[method] = sum(p.numel() for p in network.net.parameters())
    assert list(counts.values()) == [555137, 665921, 668227, 485316, 852108]


@pytest.mark.data
@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 8), (6, 7), (9, 9)])
def test_ffdnet_takes_odd_sizes(weights: Path, height: int, width: int) -> None:
    network = nb.Restorer(nb_bind("ffdnet"))
    network.setup()
    out = network.call(torch.full((1, 1, height, width), 0.5), nb.Info({"sigma": 25 / 255}))
    assert out.shape == (1, 1, height, width) and torch.isfinite(out).all()


@pytest.mark.data
def test_a_picture_of_other_channels_is_skipped(weights: Path) -> None:
    with pytest.raises(nb.Skip, match="grey"):
        nb.evaluate("dncnn", "cbsd68", "kair(sigma=25)", limit=1)


# ---- files


@pytest.mark.data
@pytest.mark.parametrize("network", [n for n, several in TABLE.items() if len(several) > 1])
def test_all_files_of_a_network_hold_the_same_parameters(weights: Path, network: str) -> None:
    pytest.importorskip("h5py")
    layers = []
    for known in TABLE[network]:
        tensors, _ = nb.load_weights([known])
        read = bf_cnn.bias_free if network == "bf_cnn" else networks.numbered
        found = read(tensors)
        if network.startswith("ffdnet") and known.form == "matconvnet":
            found = ffdnet.torch_order(found, 3 if "color" in network else 1)
        layers.append(found)
    for other in layers[1:]:
        assert len(other) == len(layers[0])
        for (a, a_bias), (b, b_bias) in zip(layers[0], other, strict=True):
            assert torch.equal(a, b)
            assert (a_bias is None and b_bias is None) or torch.equal(a_bias, b_bias)


@pytest.mark.data
def test_the_table_of_files_is_that_of_the_published_ones(weights: Path) -> None:
    with (weights / "manifest.csv").open() as file:
        published = {row["file"]: row["sha256"] for row in csv.DictReader(file)}
    assert {k.file: k.sha256 for _, k in FILES} == {k.file: published[k.file] for _, k in FILES}


def test_a_missing_file_is_skipped_saying_where_it_was_looked_for(nowhere: Path) -> None:
    with pytest.raises(nb.Skip, match=r"^needs the weights dncnn_25.pth \(cszn/KAIR ") as caught:
        nb.evaluate("dncnn", "photos", limit=1)
    assert str(nowhere) in str(caught.value) and "--weights" in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).endswith("as docs/data.md says")


@pytest.mark.usefixtures("nowhere")
def test_a_missing_file_is_named_as_it_was_published() -> None:
    named = {
        "dncnn_s15": "sigma=15.mat",
        "bf_cnn": "0-100.pt",
        "dncnn_saoyan_blind": "DnCNN-B.pth",
        "sci_easy": "easy.pt",
    }
    for network, name in named.items():
        with pytest.raises(nb.Skip, match=f"^needs the weights {re.escape(name)} ") as caught:
            find_weights(TABLE[network])
        assert caught.value.needs == f"weights {name}" and "(converted)" not in str(caught.value)
    converted = nb.WeightFile("a.safetensors", "0" * 64, "safetensors", "x (converted)", "MIT")
    with pytest.raises(nb.Skip, match="needs the weights a.safetensors"):  # where nothing else is known, that
        find_weights([converted])


def test_a_file_is_found_in_a_root_and_in_its_folders_by_either_name(nowhere: Path) -> None:
    known = nb.WeightFile("a.safetensors", "0" * 64, "safetensors", "x", "MIT", "b=1.mat")
    (nowhere / "folder").mkdir()
    (nowhere / "folder" / "b=1.mat").write_bytes(b"x")
    assert find_weights([known])[0] == nowhere / "folder" / "b=1.mat"
    (nowhere / "a.safetensors").write_bytes(b"x")
    assert find_weights([known])[0] == nowhere / "a.safetensors"


@pytest.mark.data
def test_a_truncated_file_is_refused_in_one_line(weights: Path, nowhere: Path, data_dir: Path) -> None:
    whole = (data_dir / "weights" / "DnCNN_S_gray" / "dncnn_s25.safetensors").read_bytes()
    (nowhere / "dncnn_s25.safetensors").write_bytes(whole[:-100])
    with pytest.raises(nb.UsageError, match=r"dncnn_s25\.safetensors .*SHA-256 .*: get .* again") as caught:
        nb.load_weights(TABLE["dncnn_s25"])
    assert "\n" not in str(caught.value)


def test_values_that_slow_a_convolution_and_change_nothing_are_0(nowhere: Path) -> None:
    values = torch.tensor([1.0, 1e-39, -1e-45, 2.0**-126, -3e-38])
    file = nowhere / "DnCNN-S-25.pth"
    torch.save({"a": values, "count": torch.tensor([0, 1])}, file)
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    tensors, _ = nb.load_weights([nb.WeightFile(file.name, sha, "torch", "x", "MIT")])
    assert torch.equal(tensors["a"], torch.tensor([1.0, 0.0, 0.0, 2.0**-126, -3e-38]))
    assert torch.equal(tensors["count"], torch.tensor([0, 1]))


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_runs_code_does_not_run(nowhere: Path, tmp_path: Path, zipped: bool) -> None:
    mark, hostile = tmp_path / "ran", nowhere / "DnCNN-S-25.pth"
    if zipped:
        torch.save({"a": Bomb(mark)}, hostile)
    else:
        hostile.write_bytes(pickle.dumps({"a": Bomb(mark)}, protocol=2))
    with pytest.raises(nb.UsageError, match="not the published ones"):
        nb.load_weights(TABLE["dncnn_saoyan_s25"])
    # Even with the right hash nothing but tensors is loaded.
    sha = hashlib.sha256(hostile.read_bytes()).hexdigest()
    with pytest.raises(nb.UsageError, match="is not loaded") as caught:
        nb.load_weights([nb.WeightFile("DnCNN-S-25.pth", sha, "torch", "x", "MIT")])
    assert not mark.exists() and "\n" not in str(caught.value)


def safetensors(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def test_safetensors_are_read() -> None:
    body = struct.pack("<2f", 1.5, -2) + struct.pack("<q", 7)
    header = {"__metadata__": {"k": "v"}, "a": ONE, "n": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]}}
    found = read_checkpoint(safetensors(header, body), "safetensors", "x")
    assert found["a"].tolist() == [1.5, -2] and found["a"].dtype == torch.float32
    assert found["n"].item() == 7 and found["n"].shape == ()


def test_a_header_whose_length_looks_like_a_web_page_is_none() -> None:
    header = json.dumps({"a": ONE}).encode()
    found = read_checkpoint(safetensors(header.ljust(0x3C20), struct.pack("<2f", 1, 2)), "safetensors", "x")
    assert found["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        struct.pack("<Q", 1 << 60) + b"{}",
        safetensors(b"{"),
        safetensors([]),
        safetensors(b'{"a": 1, "a": 2}'),
        safetensors({"a": ONE}, b"1234567"),
        safetensors({"a": ONE}, b"123456789"),
        safetensors({"a": {**ONE, "dtype": "F99"}}, b"12345678"),
        safetensors({"a": {**ONE, "dtype": ["F32"]}}, b"12345678"),
        safetensors({"a": {**ONE, "shape": [3]}}, b"12345678"),
        safetensors({"a": {**ONE, "shape": [-1, -2]}}, b"12345678"),
        safetensors({"a": {**ONE, "shape": [True, 2]}}, b"12345678"),
        safetensors({"a": {**ONE, "data_offsets": [8, 16]}}, b"1234567812345678"),
        safetensors({"a": ONE, "b": ONE}, b"12345678"),
        safetensors({"a": {**ONE, "dtype": "F4", "shape": [16]}}, b"12345678"),
        safetensors({"a": {**ONE, "shape": [1 << 62, 1 << 62]}}, b"12345678"),
        safetensors({"a": 7}),
        b"<!DOCTYPE html><html>",
    ],
)
@pytest.mark.parametrize("form", ["safetensors", "torch", "matconvnet"])
def test_a_malformed_file_is_refused_in_one_line(data: bytes, form: str) -> None:
    if form == "matconvnet":
        pytest.importorskip("h5py")
    with pytest.raises(nb.UsageError, match=r"^some\\?.file") as caught:
        read_checkpoint(data, form, "some.file")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_matconvnet_file_that_points_into_another_file_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    (tmp_path / "private").write_bytes(bytes(16))
    for external in (None, [(str(tmp_path / "private"), 0, 16)]):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            parts = (
                file.create_dataset("w", (1, 1, 2, 2), "f4", external=external),
                file.create_dataset("b", data=[0.0]),
            )
            file["layer/type"] = np.frombuffer(b"conv", np.uint8)
            file.create_dataset("layer/weights", data=[part.ref for part in parts], dtype=h5py.ref_dtype)
            file.create_dataset("net/layers", data=[file["layer"].ref], dtype=h5py.ref_dtype)
        if external is None:
            assert read_checkpoint(buffer.getvalue(), "matconvnet", "m.mat")["conv00.weight"].shape == (1, 1, 2, 2)
        else:
            with pytest.raises(nb.UsageError, match=r"^m\.mat .*MatConvNet.*: get the file again"):
                read_checkpoint(buffer.getvalue(), "matconvnet", "m.mat")


# ---- a checkpoint of one's own

TENSORS = {"conv.weight": torch.arange(4.0), "conv.bias": torch.ones(1)}


def under(prefix: str) -> dict[str, Any]:
    return {f"{prefix}{name}": tensor for name, tensor in TENSORS.items()}


@pytest.mark.parametrize(
    "held",
    [
        TENSORS,
        under("module."),
        under("_orig_mod.module."),
        under("module._orig_mod."),
        {"epoch": 3, "best_psnr": np.float64(29.1), "best": np.float32(1), "n": np.int64(3), "state_dict": TENSORS},
        {"losses": np.arange(3.0), "names": np.array(["a"]), "state_dict": TENSORS},
        {"params": {"conv.weight": torch.zeros(4)}, "params_ema": TENSORS},
        {"args": argparse.Namespace(lr=0.1), "model": {"state_dict": under("module.")}},
        {
            "epoch": 3,
            "net_g": under("module."),
            "optimizer": {"state": {0: torch.zeros(1)}, "param_groups": [{"lr": 1}]},
        },
    ],
)
def test_the_parameters_of_a_checkpoint_are_found_and_freed_of_wrappers(tmp_path: Path, held: Any) -> None:
    torch.save(held, tmp_path / "net.pth")
    found = nb.load_checkpoint(tmp_path / "net.pth")
    assert list(found) == list(TENSORS)
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())


def test_a_name_that_not_all_share_is_no_wrapper(tmp_path: Path) -> None:
    torch.save({**under("module."), "scale": torch.ones(1)}, tmp_path / "net.pth")
    assert list(nb.load_checkpoint(tmp_path / "net.pth")) == ["module.conv.weight", "module.conv.bias", "scale"]


def test_a_checkpoint_of_safetensors_is_told_by_its_ending(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(safetensors({"module.a": ONE}, struct.pack("<2f", 1.5, -2)))
    assert nb.load_checkpoint(str(tmp_path / "net.safetensors"))["a"].tolist() == [1.5, -2]


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (torch.nn.Conv2d(1, 1, 1), "holds more than tensors, .*: save net.state_dict\\(\\) alone, where it is yours"),
        ({"g": TENSORS, "d": TENSORS}, "holds several networks, 'g', 'd': save the one that restores by itself"),
        ({"epoch": 3}, ": save the state_dict"),
        (torch.zeros(3), "holds no table of tensors"),
    ],
)
def test_a_checkpoint_without_one_table_of_tensors_is_refused(tmp_path: Path, held: Any, says: str) -> None:
    torch.save(held, tmp_path / "net.pth")
    with pytest.raises(nb.UsageError, match=says) as caught:
        nb.load_checkpoint(tmp_path / "net.pth")
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"best": np.float64(1), "losses": np.arange(3.0), "state_dict": TENSORS}, tmp_path / "net.pth")
    made: list[Any] = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *given, **named: made.append(load(*given, **named)) or made[-1])
    nb.load_checkpoint(tmp_path / "net.pth")
    assert {type(made[0][name]).__module__ for name in ("best", "losses")} == {"noisebench.data.checkpoints"}


def test_a_checkpoint_that_holds_itself_is_refused(tmp_path: Path) -> None:
    held: dict[str, Any] = {"epoch": 1}
    held["model"] = held
    torch.save(held, tmp_path / "net.pth")
    with pytest.raises(nb.UsageError, match=r"net\.pth .*: save the state_dict"):
        nb.load_checkpoint(tmp_path / "net.pth")


@pytest.mark.parametrize(
    ("name", "says"), [("gone.pth", "cannot be read"), ("net.txt", "must end in .safetensors, .pth")]
)
def test_a_checkpoint_that_is_not_there_is_told_in_one_line(name: str, says: str) -> None:
    with pytest.raises(nb.UsageError, match=f"^checkpoint {name} {says}"):
        nb.load_checkpoint(name)


# ---- keys


def keys_of(method: str) -> list[dict]:
    suite = Suite(methods=(method,), datasets=("gaussian_field(n=1)",), regimes=("kair(sigma=25)",))
    return plan(suite)


def test_declared_weights_beside_the_file_are_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.bin").write_bytes(b"one")
    file = tmp_path / "declares.py"
    form = "@nb.method('declares_{0}', weights=('{0}.bin',))\ndef f_{0}(noisy, info):\n    return noisy\n"
    file.write_text("import noisebench as nb\n" + form.format("net") + form.format("gone"))
    load_plugin(str(file))
    monkeypatch.chdir("/")
    assert keys_of("declares_net")[0].inputs["weights"] == {"net.bin": hashlib.sha256(b"one").hexdigest()}
    with pytest.raises(nb.UsageError, match=r"'declares_gone': its weights 'gone.bin' cannot be read \(No such file"):
        keys_of("declares_gone")


def test_weights_are_part_of_the_key() -> None:
    (cell,) = keys_of("dncnn(weights=s50)")
    known = TABLE["dncnn_s50"][0]
    assert cell.inputs["weights"] == {known.file: known.sha256}
    assert "weights" not in keys_of("identity")[0].inputs


def test_weights_of_a_wrapped_method_are_part_of_the_key() -> None:
    (cell,) = keys_of("vst(method=ffdnet)")
    assert cell.inputs["weights"] == networks.known_hashes("ffdnet")


@pytest.mark.data
def test_a_skipped_cell_is_run_once_the_weights_are_there(cli, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "weights" / "FFDNet_gray" / "ffdnet_gray.safetensors"
    if not source.is_file():
        pytest.skip(f"no weights at {source}")
    empty = tmp_path / "w"
    empty.mkdir()
    # NOISEBENCH_DATA would lead to the weights too: another folder is given as the data.
    line = ["run", "--methods", "ffdnet", "--datasets", "gaussian_field(n=1)", "--regimes", "kair(sigma=25)",
            "--weights", empty, "--data", tmp_path, "--store", "s", "--json"]  # fmt: skip
    first = json.loads(cli(*line).stdout)["cells"][0]
    assert first["outcome"] == "skipped" and first["reason"].startswith("needs the weights FFDNet_gray")
    shutil.copy(source, empty)
    second = json.loads(cli(*line).stdout)["cells"][0]
    assert second["outcome"] == "ok" and second["key"] == first["key"]


@pytest.mark.parametrize(
    ("spec", "blind", "trained_on"),
    [
        ("dncnn(weights=s25)", False, ["bsd400"]),
        ("dncnn(weights=blind)", True, ["bsd400"]),
        ("dncnn(weights=color_blind)", True, ["cbsd432"]),
        ("tiled(method=dncnn(weights=blind))", True, ["bsd400"]),
    ],
)
def test_flags_belong_to_the_weights_not_to_the_network(spec: str, blind: bool, trained_on: list[str]) -> None:
    flags = method_part(bind(spec, "method")).flags
    assert (flags["blind"], flags["trained_on"]) == (blind, trained_on)
