"""What a cost says: operations counted by hand, memory against known allocations, growth, energy, the first call."""

from __future__ import annotations

import math
import resource
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import noisebench as nb
import numpy as np
import pytest
import torch
from board_records import cost_record, record
from msgspec import structs
from noisebench.boards.build import boards
from noisebench.boards.row_costs import cost_records
from noisebench.boards.scaling import growths
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.cost.energy import SPAN, energy
from noisebench.cost.macs import macs
from noisebench.cost.measure import measure, peak_memory, relative, timed
from noisebench.cost.pace import busy, compute_over, processors_apart
from noisebench.cost.references import BEYOND_CACHE, IN_CACHE, OTHERS, reference_operation
from noisebench.planning.dataset_part import dataset_part
from noisebench.planning.plan import plan
from noisebench.report.cost_table import cost_remarks, cost_table
from noisebench.report.tables import board_table, remarks
from noisebench.store.cell import REFERENCE
from noisebench.store.keys import key_of
from noisebench.store.record import Record
from noisebench.suite.suite import CostPlan, Suite
from torch import nn

H, W = 20, 24


def counted(call) -> int | None:
    reasons: dict[str, str] = {}
    with torch.no_grad():
        found = macs(call, reasons)
    assert (found is None) == ("macs" in reasons)
    return found


def picture(channels: int) -> torch.Tensor:
    return torch.ones(1, channels, H, W)


LAYERS = {
    "a convolution: out × in × window a pixel": (nn.Conv2d(3, 8, 3, padding=1), picture(3), H * W * 8 * 3 * 9),
    "with a stride: a pixel of the output": (nn.Conv2d(3, 8, 3, stride=2, padding=1), picture(3), 10 * 12 * 8 * 3 * 9),
    "depthwise: window only": (nn.Conv2d(6, 6, 5, padding=2, groups=6), picture(6), H * W * 6 * 25),
    "transposed: a pixel of the input": (nn.ConvTranspose2d(4, 2, 2, stride=2), picture(4), H * W * 4 * 2 * 4),
    "linear: in × out a row": (nn.Linear(5, 7), torch.ones(11, 5), 11 * 5 * 7),
    "recurrent: input and state by their matrices, four gates a step": (
        nn.LSTM(5, 7),
        torch.ones(11, 2, 5),
        22 * 4 * 7 * 12,
    ),
    "recurrent, both ways, in two layers": (
        nn.LSTM(5, 7, num_layers=2, bidirectional=True),
        torch.ones(11, 2, 5),
        22 * 2 * 4 * 7 * (5 + 7 + 14 + 7),
    ),
    "recurrent, with a projection of its state": (
        nn.LSTM(5, 7, proj_size=3),
        torch.ones(11, 2, 5),
        22 * (4 * 7 * (5 + 3) + 7 * 3),
    ),
    "gated: three gates": (nn.GRU(5, 7), torch.ones(11, 2, 5), 22 * 3 * 7 * 12),
    "an encoder: four projections, attention, two linear layers": (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(),
        torch.ones(3, 10, 8),
        3 * (10 * 4 * 8 * 8 + 2 * 10 * 10 * 8 + 10 * 2 * 8 * 16),
    ),
    "norm, activation and pooling are no products": (
        nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)).eval(),
        picture(1),
        H * W * 4,
    ),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", LAYERS)
def test_macs_are_those_counted_by_hand(name):
    layer, x, by_hand = LAYERS[name]
    assert counted(lambda: layer(x)) == by_hand


def test_attention_is_counted_though_the_processor_has_fast_paths_for_it():
    batch, heads, length, width = 2, 4, 16, 8
    q, k, v = (torch.ones(batch, heads, length, width) for _ in range(3))
    products = 2 * batch * heads * length * length * width  # q·k for every pair, and the weights times v
    assert counted(lambda: nn.functional.scaled_dot_product_attention(q, k, v)) == products
    dim = heads * width
    attention, x = nn.MultiheadAttention(dim, heads, batch_first=True).eval(), torch.ones(batch, length, dim)
    projections = batch * length * 4 * dim * dim  # query, key, value, and out
    assert counted(lambda: attention(x, x, x, need_weights=False)) == projections + products
    assert torch.backends.mha.get_fastpath_enabled(), "left as it was"


@cache
def quantised() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(W, 7)), {nn.Linear}, dtype=torch.qint8)


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x @ x.transpose(2, 3)

    @staticmethod
    def backward(ctx, gradient):
        raise NotImplementedError


BESIDE = {
    "quantised": (lambda x: quantised()(x), 3 * H * W * 7),
    "a function with a gradient of its own": (Product.apply, 3 * H * W * H),
    "einsum": (lambda x: torch.einsum("bchw,bchv->bcwv", x, x), 3 * H * W * W),
    "a matrix by a vector": (lambda x: x[0, 0].mv(torch.ones(W)), H * W),
    "resampling, padding and indices are no products": (
        lambda x: nn.functional.pad(
            nn.functional.interpolate(x, scale_factor=2, mode="bicubic"), (1, 1, 1, 1), "reflect"
        )[x.new_zeros(1).long()],
        0,
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_a_convolution_is_counted_too(name):
    call, by_hand = BESIDE[name]
    x, layer = picture(3), nn.Conv2d(3, 8, 1)
    call(x)
    assert counted(lambda: (layer(x), call(x))) == H * W * 8 * 3 + by_hand


def test_a_deformable_convolution_is_counted_as_a_convolution():
    ops = pytest.importorskip("torchvision.ops")
    x, offset, weight = picture(4), torch.ones(1, 18, H, W), torch.ones(6, 4, 3, 3)
    assert counted(lambda: ops.deform_conv2d(x, offset, weight, padding=1)) == H * W * 6 * 4 * 9


@torch.library.custom_op("noisebench_tests::product", mutates_args=())
def product(x: torch.Tensor) -> torch.Tensor:
    return x @ x.transpose(2, 3)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (product, "noisebench_tests::product"),
        (torch.fft.fft2, "aten::_fft_c2c"),
        (torch.linalg.svd, "aten::_linalg_svd"),
        (lambda x: torch.cdist(x, x, p=1), "aten::_cdist_forward"),
        (lambda x: x.to_mkldnn().to_dense(), "aten::to_mkldnn, aten::_to_dense"),
    ],
)
def test_an_operation_that_cannot_be_counted_makes_the_sum_unknown_and_is_named(call, named):
    reasons: dict[str, str] = {}
    x, layer = picture(3), nn.Conv2d(3, 8, 1)
    with torch.no_grad():
        assert macs(lambda: (layer(x), call(x)), reasons) is None
    assert f"the products of {named} are not known" in reasons["macs"]


def test_what_the_counter_cannot_see_is_unknown_and_not_zero():
    assert counted(lambda: np.fft.fft2(np.ones((8, 8)))) is None


@pytest.mark.parametrize("kind", ["numpy", "torch", "a short spike"])
def test_peak_memory_of_a_known_allocation(kind):
    size = 256 << 20

    def call() -> float:
        if kind == "torch":
            return float(torch.ones(size // 4)[-1])
        held = np.ones(size // 8)
        if kind == "a short spike":
            del held
            return 0.0
        return float(held[-1])

    reasons: dict[str, str] = {}
    peak = peak_memory(call, "cpu", reasons)
    if peak is None:
        pytest.skip(reasons["peak_memory_bytes"])
    assert peak == pytest.approx(size, rel=0.02)


def test_memory_held_before_the_call_is_not_of_the_call():
    held = np.ones(64 << 17)
    reasons: dict[str, str] = {}
    peak = peak_memory(lambda: float(np.ones(32 << 17).sum()), "cpu", reasons)
    if peak is None:
        pytest.skip(reasons["peak_memory_bytes"])
    assert peak == pytest.approx(32 << 20, abs=3 << 20) and held.size


def package(root: Path, name: str = "package-0", folder: str = "intel-rapl:0", value: int = 0) -> Path:
    domain = root / folder
    domain.mkdir(parents=True)
    (domain / "name").write_text(f"{name}\n")
    (domain / "energy_uj").write_text(f"{value}\n")
    (domain / "max_energy_range_uj").write_text("1000000\n")
    return domain


def spender(*domains: Path, joules: float):
    def call() -> None:
        for domain in domains:
            now = int((domain / "energy_uj").read_text())
            (domain / "energy_uj").write_text(str((now + round(joules * 1e6)) % 1_000_000))

    return call


def test_energy_is_that_of_all_packages_once(tmp_path, monkeypatch):
    monkeypatch.setitem(SPAN, "cpu", 0.0)
    domains = [package(tmp_path, f"package-{i}", f"intel-rapl:{i}", 10) for i in range(2)]
    parts = [package(tmp_path, "core", "intel-rapl:0:0"), package(tmp_path, "psys", "intel-rapl:2")]
    reasons: dict[str, str] = {}
    assert energy(spender(*domains, *parts, joules=0.25), "cpu", reasons, tmp_path) == pytest.approx(0.5)
    assert reasons == {}


def test_energy_is_right_when_the_counter_starts_again(tmp_path, monkeypatch):
    monkeypatch.setitem(SPAN, "cpu", 0.0)
    domain = package(tmp_path, value=900_000)
    assert energy(spender(domain, joules=0.25), "cpu", {}, tmp_path) == pytest.approx(0.25)


def test_energy_is_an_average_over_many_calls(tmp_path, monkeypatch):
    monkeypatch.setitem(SPAN, "cpu", 0.005)
    domain = package(tmp_path)
    assert energy(spender(domain, joules=1e-5), "cpu", {}, tmp_path) == pytest.approx(1e-5)


def test_energy_that_the_machine_does_not_tell_is_null_with_a_reason(tmp_path):
    def why(device: str = "cpu", root: Path = tmp_path) -> str:
        reasons: dict[str, str] = {}
        assert energy(lambda: None, device, reasons, root) is None
        return reasons["energy_j"]

    assert "no energy counter" in why(root=tmp_path / "absent") and "no energy counter" in why()
    domain = package(tmp_path)
    assert "does not advance" in why()
    (domain / "energy_uj").unlink()
    (domain / "energy_uj").mkdir()  # as unreadable for root as for anyone
    assert "permission" in why()
    assert "NVIDIA" in why("mps")


class Nvml(SimpleNamespace):
    """Two cards, of which the second takes a quarter of a joule for each call."""

    NVMLError = OSError

    def __init__(self) -> None:
        super().__init__(taken={"0": 5_000, "1": 7_000, "GPU-b": 9_000}, count=2)

    def nvmlInit(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, place: int) -> str:
        return str(place)

    def nvmlDeviceGetHandleByUUID(self, name: str) -> str:
        return name

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        if handle not in self.taken:
            raise OSError("not supported")
        return self.taken[handle]


@pytest.mark.parametrize(
    ("device", "card", "environment"),
    [
        ("cuda:1", "1", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
        ("cuda", "1", {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "1,0"}),
        ("cuda:0", "GPU-b", {"CUDA_VISIBLE_DEVICES": "GPU-b"}),
    ],
)
def test_energy_of_a_card_is_that_of_its_counter(device, card, environment, monkeypatch):
    nvml, reasons = Nvml(), dict[str, str]()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setitem(SPAN, "cuda", 0.0)
    for name in ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, environment.get(name, ""))

    def call() -> None:
        nvml.taken[card] += 250

    assert energy(call, device, reasons) == pytest.approx(0.25) and reasons == {}


def test_a_card_that_is_not_known_or_tells_nothing_has_a_reason(monkeypatch):
    def why(device: str) -> str:
        reasons: dict[str, str] = {}
        assert energy(lambda: None, device, reasons) is None
        return reasons["energy_j"]

    for name in ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "nvidia-ml-py" in why("cuda")
    nvml = Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert "PCI_BUS_ID" in why("cuda")
    nvml.count = 1
    assert "tells no energy" in why("cuda:3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert "cuda:3" in why("cuda:3")


def sized(exponent: float, *sides: int, bend: float = 0.0, factor: float = 4.0, **more):
    return [
        cost_record("nlm", size=(side, side), p50=factor * side ** (2 * exponent) * (1 + bend * (i % 2)), **more)
        for i, side in enumerate(sides)
    ]


def test_the_exponent_of_a_power_law_is_found():
    (growth,) = growths(sized(1.5, 64, 128, 256, 512))
    assert growth.exponent == pytest.approx(1.5, abs=1e-12)
    assert growth.error == pytest.approx(0, abs=1e-12) and growth.worst == pytest.approx(0, abs=1e-12)
    assert growth.text == "1.50 ± 0.00 (4 sizes, off by ≤ 0 %)"
    assert [s[0] for s in growth.sizes] == [64, 128, 256, 512]


def test_the_fit_is_stated():
    # Logarithms y = (0, ln 1.21, 0) at x = (0, 1, 2)·ln 4: slope 0, mean ln(1.21)/3, so the middle is off by 2/3.
    (growth,) = growths(sized(0.0, 64, 128, 256, bend=0.21))
    assert growth.exponent == pytest.approx(0, abs=1e-12)
    rest = math.log(1.21) ** 2 * (1 - 1 / 3)
    assert growth.error == pytest.approx(math.sqrt(rest / 1 / (2 * math.log(4) ** 2)))
    assert growth.worst == pytest.approx(1.21 ** (2 / 3) - 1)
    (two,) = growths(sized(1.0, 64, 128))
    assert two.error is None and two.text == "1.00 (2 sizes, off by ≤ 0 %)"


def test_one_size_or_another_version_of_the_method_is_no_growth():
    assert growths(sized(1.0, 64)) == []
    assert growths([*sized(1.0, 64), *sized(1.0, 128, source="edited")]) == []
    assert growths([cost_record("nlm", size=s) for s in ((64, 128), (128, 64))]) == []


def test_colour_is_a_size_and_a_fit_of_its_own():
    colour = [cost_record("nlm", size=(side, side, 3), p50=12.0 * side**4) for side in (64, 128)]
    grey, rgb = sorted(growths([*sized(1.0, 64, 128), *colour]), key=lambda growth: len(growth.sizes[0]))
    assert (grey.exponent, rgb.exponent) == (pytest.approx(1), pytest.approx(2))
    assert rgb.sizes == ((64, 64, 3), (128, 128, 3))
    assert growths([*sized(1.0, 64), *colour[:1]]) == []


@pytest.mark.parametrize("track", ["restore", "classify", "segment", "adapt", "generate"])
def test_a_track_of_pictures_has_a_colour_one_for_costs(track):
    own = get_track(track)
    for size in ((12, 16), (12, 16, 3)):
        case = own.pose(bind(own.defaults.regime, "regime", track), own.probe(size), 0)
        given = getattr(case.given, "pictures", getattr(case.given, "noise", case.given))
        assert sorted(np.shape(given)[-3:]) == sorted((*size, 1)[:3])


def test_the_colour_picture_has_the_grey_one_as_its_first_channel():
    grey, rgb = get_track("restore").probe((40, 60)).clean, get_track("restore").probe((40, 60, 3)).clean
    assert grey.shape == (40, 60) and rgb.shape == (40, 60, 3) and np.array_equal(rgb[:, :, 0], grey)
    assert np.array_equal(rgb[:, 10:, 0], rgb[:, :-10, 1]) and np.array_equal(rgb[:, 20:, 0], rgb[:, :-20, 2])


@pytest.mark.parametrize(("channels", "due"), [([3], "64×64×3"), ([1], "64×64"), (None, "64×64")])
def test_a_board_has_the_cost_of_a_picture_like_its_own(channels, due):
    rows = [record(name, {"psnr": [20.0 + place, 21.0]}) for place, name in enumerate(("nlm", "median"))]
    if channels:
        rows = [
            replace(r, cell=structs.replace(r.cell, dataset=structs.replace(r.cell.dataset, channels=channels)))
            for r in rows
        ]
    sizes = ((128, 128), (128, 128, 3), (64, 64), (64, 64, 3))
    costs = [cost_record(name, size=size) for name in ("nlm", "median") for size in sizes]
    (board,) = boards([*rows, *costs])
    assert board.cost_setting.split(",")[0] == due
    (other,) = boards([*rows, *costs, cost_record("median", size=(32, 32)), cost_record("nlm", size=(32, 32))][:-1])
    assert other.cost_setting.split(",")[0] == due, "more methods go before likeness"


@pytest.mark.parametrize(
    ("track", "dataset", "due"),
    [("restore", "photos", [1, 3]), ("classify", "digits", [1]), ("segment", "ellipses", [1]),
     ("adapt", "stream(of=digits)", [1]), ("generate", "mixture_digits", [1])],
)  # fmt: skip
def test_a_cell_says_how_many_channels_its_pictures_have(track, dataset, due):
    assert dataset_part(bind(dataset, "dataset", track), None, get_track(track)).channels == due
    assert dataset_part(bind("bumps", "dataset", "functions"), None, get_track("functions")).channels is None


def test_a_size_that_no_input_of_a_track_has_is_refused():
    def planned(track: str, *size: int, method: str = "identity") -> None:
        plan(Suite(track=track, methods=(method,), regimes=("none",), cost=CostPlan((size,), 1)))

    with pytest.raises(nb.UsageError, match="size 8x8x3x2 .* track restore: such as 256x256, or 256x256x3"):
        planned("restore", 8, 8, 3, 2)
    with pytest.raises(nb.UsageError, match="size 8 .* track restore"):
        planned("restore", 8)
    for size in ((3, 32, 32), (32, 32, 1)):
        with pytest.raises(nb.UsageError, match="track restore: such as 256x256, or 256x256x3 in colour"):
            planned("restore", *size)
    with pytest.raises(nb.UsageError, match="size 8x3 .* track functions: such as [0-9]+$"):
        planned("functions", 8, 3, method="mean")


def test_the_cost_table_is_in_the_order_of_sizes_and_says_the_exponent():
    records = cost_records([*sized(1.0, 1024, 64, 256), cost_record("identity", size=(64, 64))])
    table = cost_table(records)
    shown = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    assert [(r["method"], r["setting"].split(",")[0]) for r in shown] == [
        ("identity", "64×64"), ("nlm", "64×64"), ("nlm", "256×256"), ("nlm", "1024×1024"),
    ]  # fmt: skip
    column = "× ref ∝ size to the power"
    assert [r[column] for r in shown] == ["–", "–", "–", "1.00 ± 0.00 (3 sizes, off by ≤ 0 %)"]
    assert "first ms" not in table.header and "J a call" not in table.header, "older costs have neither"


def test_first_call_and_steady_state_are_told_apart():
    @nb.method("slow_at_first", layout="hwc")
    class SlowAtFirst:
        def setup(self, device):
            self.ready = False

        def restore(self, noisy, info):
            if not self.ready:
                time.sleep(0.2)
                self.ready = True
            return noisy

    cost = measure(
        get_track("restore"),
        bind("slow_at_first", "method"),
        bind("none", "regime"),
        (8, 8),
        repeats=3,
        device="cpu",
        threads=1,
    )
    assert cost.first_ms >= 200 > cost.latency_ms["min"]
    assert cost.energy_j is not None or cost.reasons["energy_j"]


# ---- the yardstick


@pytest.mark.parametrize("freed", [0, 10 * 2**17])
@pytest.mark.parametrize("prepare", [reference_operation, *OTHERS.values()])
def test_a_reference_touches_no_new_memory_whatever_the_allocator_holds(prepare, freed):
    reference = prepare("cpu")
    reference()
    np.ones(freed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        reference()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 100  # a page is 4 KiB, its result 4 MiB


def test_the_reference_is_a_convolution():
    generator = torch.Generator().manual_seed(0)
    x, taps = torch.randn(16, 256, 256, generator=generator), torch.randn(3, 3, 16, 16, generator=generator)
    due = nn.functional.conv2d(x[None], taps.permute(2, 3, 0, 1), padding=1)[0]
    reference = reference_operation("cpu")
    reference()
    assert torch.allclose(reference().view(16, 256, 258)[:, :, :256], due, atol=1e-4)


def test_what_bounds_each_other_reference_is_the_size_of_its_arrays():
    float32, kib, mib = 4, 2**10, 2**20
    # Three arrays: within the 256 KiB that the core of any processor of today has as its cache, and beyond 64 MiB.
    assert 32 * kib < 3 * IN_CACHE * float32 <= 256 * kib
    assert 64 * mib < 3 * BEYOND_CACHE * float32 <= 128 * mib
    sizes = {name: prepare("cpu")().numel() for name, prepare in OTHERS.items()}
    assert sizes == {"cache": IN_CACHE, "memory": BEYOND_CACHE, "serial": IN_CACHE}


def test_the_other_references_compute_what_they_say():
    found = {name: prepare("cpu")() for name, prepare in OTHERS.items()}
    assert found["cache"].unique().tolist() == [-0.125], "0.25 × 0.5 + 0.25, at most 0.5, less 0.5"
    assert found["memory"].unique().tolist() == [1.75], "0.25 + 3 × 0.5"
    assert found["serial"][[0, 1, -1]].tolist() == [0.25, 0.5, IN_CACHE / 4]


def test_the_reference_is_repeated_for_as_long_as_the_call_took(monkeypatch):
    calls = []
    monkeypatch.setattr(time, "perf_counter", lambda: len(calls) / 64)
    monkeypatch.setattr(time, "process_time", lambda: len(calls) / 128)

    def call() -> None:
        calls.append(None)

    once = timed(call, "cpu")
    assert (len(calls), once.wall, once.cpu) == (1, 1e3 / 64, pytest.approx(1e3 / 128))
    repeated = timed(call, "cpu", span=5 / 64)
    assert (len(calls) - 1, repeated.wall, repeated.cpu) == (5, 1e3 / 64, pytest.approx(1e3 / 128))


def test_a_cost_tells_how_busy_the_machine_was():
    cost = measure(
        get_track("restore"),
        bind("identity", "method"),
        bind("none", "regime"),
        (8, 8),
        repeats=3,
        device="cpu",
        threads=1,
    )
    assert cost.busy > 0 and cost.latency_rel > 0
    assert list(cost.references_ms) == ["compute", "cache", "memory", "serial"]
    assert all(ms > 0 for ms in cost.references_ms.values())


def test_the_version_of_the_reference_is_an_input_of_the_key_of_a_cost_and_of_nothing_else():
    asked = {"methods": ("identity",), "datasets": ("piecewise(n=1, size=16)",), "regimes": ("none",)}
    score, cost = plan(Suite(**asked, cost=CostPlan(((8, 8),))))
    assert (score.kind, cost.kind) == ("score", "cost")
    assert "reference" not in score.inputs
    assert cost.inputs["reference"] == REFERENCE
    assert cost.key == key_of(cost.inputs)


def paced(*, p50: float, cpu: float, busy: float | None) -> Record:
    one = cost_record("nlm", p50=p50)
    more = {} if busy is None else {"busy": busy}
    return replace(
        one,
        cell=structs.replace(
            one.cell,
            cost=structs.replace(one.cell.cost, latency_cpu_ms=cpu, reference_ms=8.0, reference_cpu_ms=4.0, **more),
        ),
    )


@pytest.mark.parametrize(
    ("p50", "cpu", "busy", "due"),
    [
        (40, 20, 1.0, 5),  # idle: times
        (26, 20, 1.05, 3.25),  # as good as idle
        (26, 20, 1.2, 5),  # both had to wait now and then
        (44, 20, 1.2, 5.5),  # it waits for more than the processor
        (40, 20, 2.0, 5),  # busy, and both waited alike
        (90, 20, 3.0, 5),  # busy, and the long call waited more than the short reference
        (90, 8, 3.0, 11.25),  # it waits for something else than the processor
    ],
)
def test_times_are_compared_on_an_idle_machine_and_processor_times_on_a_busy_one(p50, cpu, busy, due):
    assert relative(paced(p50=p50, cpu=cpu, busy=busy).cell.cost) == due


def test_of_an_older_cost_reference_times_tell_how_busy_the_machine_was():
    assert busy(paced(p50=40, cpu=20, busy=None).cell.cost) == 2
    assert busy(paced(p50=40, cpu=20, busy=1.25).cell.cost) == 1.25
    assert busy(cost_record("nlm").cell.cost) is None


def test_a_cost_of_a_busy_machine_is_marked_on_the_board():
    def shown(factor: float) -> tuple[str, list[str], str]:
        cost = paced(p50=40, cpu=20, busy=factor)
        (board,) = boards([record("nlm", {"psnr": [30.0, 31.0]}), cost])
        table = cost_table([cost])
        return " ".join(board_table(board).rows[0]), remarks(board), " ".join((*table.header, *table.rows[0]))

    row, said, table = shown(2.5)
    assert "busy" in row and any("nlm: busy: " in text for text in said)
    assert "busy" in table and "2.5 ×" in table
    assert "busy" not in " ".join(str(part) for part in shown(1.1))


def beside(version: int, one: Record) -> Record:
    inputs = {"reference": version}
    return replace(one, cell=structs.replace(one.cell, inputs=inputs, key=f"{version}{one.cell.key[1:]}"))


def test_costs_of_two_reference_operations_are_not_compared():
    old, new = cost_record("nlm"), beside(REFERENCE, cost_record("median"))
    shown = {r.cell.method.name: r.cell.cost.latency_rel for r in cost_records([old, new])}
    assert shown["nlm"] is None and shown["median"] is not None
    assert any(text.startswith("nlm: latency_rel not measured: ") and "older reference" in text for text in
               cost_remarks(cost_records([old, new])))  # fmt: skip
    assert cost_records([old])[0].cell.cost.latency_rel is not None, "among themselves they are compared"
    assert growths(cost_records([*sized(1.0, 64, 128), new])) == []


def beside_others(one: Record, cpu: str = "", **ms: float) -> Record:
    cost = structs.replace(one.cell.cost, references_ms=ms) if ms else one.cell.cost
    environment = {**one.cell.environment, **({"cpu": cpu} if cpu else {})}
    return replace(one, cell=structs.replace(one.cell, cost=cost, environment=environment))


def test_the_cost_table_has_a_column_of_each_reference_that_was_timed():
    old, new = cost_record("a", p50=8.0), beside_others(cost_record("b", p50=8.0), compute=4, cache=1, memory=8)
    table = cost_table([old, new])
    places = [table.header.index(title) for title in ("× ref", "× cache ref", "× memory ref")]
    assert [[row[i] for i in places] for row in table.rows] == [["2", "–", "–"], ["2", "8", "1"]]
    assert "× cache ref" not in cost_table([old]).header, "older costs have it not"
    assert compute_over(old.cell.cost) == {}


def test_costs_of_two_processors_are_said_to_be_so_in_one_line():
    costs = [beside_others(cost_record(name), cpu) for name, cpu in (("nlm", "EPYC"), ("median", "Xeon"))]
    rows = [record(name, {"psnr": [20.0 + place, 21.0]}) for place, name in enumerate(("nlm", "median"))]
    line = "costs timed on different processors (EPYC and Xeon): × ref compares less well across these"
    (board,) = boards([*rows, *costs])
    assert remarks(board).count(line) == 1 and cost_remarks(costs)[0] == line
    (board,) = boards([*rows, *(beside_others(cost, "EPYC") for cost in costs)])
    assert not any("processor" in text for text in remarks(board))
    unknown = replace(costs[0], cell=structs.replace(costs[0].cell, environment={}))
    assert processors_apart([unknown, costs[1]]) == "", "a cost that does not name its own is held against any"


def test_a_cost_that_was_measured_again_takes_the_place_of_the_older():
    old, new = cost_record("nlm", p50=8.0), beside(REFERENCE, cost_record("nlm", p50=4.0))
    assert [r.cell.cost.latency_ms["p50"] for r in cost_records([new, old])] == [4.0]
    (board,) = boards([record("nlm", {"psnr": [30.0, 31.0]}), old, new])
    assert board.rows[0].cost.latency_ms["p50"] == 4.0


def test_first_call_and_energy_have_columns_where_there_are_any():
    old, new = cost_record("a"), cost_record("b")
    assert old.cell.cost is not None and new.cell.cost is not None
    old.cell.cost.reasons["energy_j"] = "no counter"
    assert not any("no counter" in text for text in cost_remarks([old]))
    new.cell.cost = structs.replace(new.cell.cost, first_ms=12.34, energy_j=0.5)
    table = cost_table([old, new])
    places = [table.header.index(title) for title in ("first ms", "J a call")]
    assert [[row[i] for i in places] for row in table.rows] == [["–", "–"], ["12.3", "0.5"]]
    assert "a: energy_j not measured: no counter" in cost_remarks([old, new])


def test_why_a_cost_has_no_value_is_said_once_for_all_methods():
    records = [cost_record(f"m{i}", reasons={"macs": "nothing seen"}) for i in range(8)]
    assert cost_remarks([*records, *records]) == ["m0, m1, m2, m3, m4, m5 and 2 more: macs not measured: nothing seen"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_peak_memory_on_a_device_is_the_allocators():
    assert peak_memory(lambda: torch.ones(64 << 18, device="cuda").sum().item(), "cuda", {}) >= 64 << 20


def test_without_torch_a_cost_lacks_what_torch_measures_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("measure", "macs"):
        monkeypatch.setattr(f"noisebench.cost.{module}.is_installed", lambda package: False)
    regime = bind("gaussian(sigma=25)", "regime")
    cost = measure(get_track("restore"), bind("median", "method"), regime, (32, 32), repeats=2, device="cpu", threads=1)
    assert cost.latency_ms and cost.latency_ms["p50"] > 0 and cost.peak_memory_bytes is not None
    assert (cost.latency_rel, cost.reference_ms, cost.reference_cpu_ms, cost.macs) == (None, None, None, None)
    remedy = 'needs the package torch: pip install "noisebench[torch]"'
    assert cost.reasons["latency_rel"] == cost.reasons["reference_ms"] == remedy
    assert {"macs", "params"} <= set(cost.reasons)
