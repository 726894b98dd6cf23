"""`--devices`: each cell has one CUDA device to itself, and its key is that of any other. There need be none here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diary import Diary
from noisebench.cli import main, parser
from noisebench.cli.run import suite_of
from noisebench.engine.devices import free_device, read_devices, visible_to
from noisebench.engine.planning_process import plan_in_child
from noisebench.engine.pool import Pool
from noisebench.engine.run import RunOptions, run
from noisebench.suite.suite import Suite

PLUGIN = """
import os
import time
from pathlib import Path
import noisebench as nb


@nb.method("looks", layout="hwc")
def looks(noisy, info, *, n: int = 0):
    start = time.monotonic()
    time.sleep(0.3)
    line = f"{os.environ.get('CUDA_VISIBLE_DEVICES')} {start} {time.monotonic()}"
    (Path(__file__).parent / f"seen-{n}").write_text(line)
    return noisy
"""


def test_a_list_of_devices_is_read() -> None:
    assert read_devices("cuda:0,cuda:1") == read_devices("cuda:0,1") == ("cuda:0", "cuda:1")
    assert read_devices("cuda:3") == ("cuda:3",) and read_devices("cuda:0,cuda:0") == ("cuda:0", "cuda:0")
    for wrong in ("", "cuda", "cpu", "cpu,cpu", "0,1", "cuda:0,", "cuda:0, cuda:1", "cuda:-1"):
        with pytest.raises(ValueError, match="such as cuda:0,cuda:1"):
            read_devices(wrong)


def test_a_free_device_is_one_that_no_cell_has() -> None:
    two = ("cuda:0", "cuda:1")
    assert [free_device(two, taken) for taken in ((), two[:1], two[1:], two)] == ["cuda:0", "cuda:1", "cuda:0", None]
    assert free_device(("cuda:0", "cuda:0"), ["cuda:0"]) == "cuda:0" and free_device((), ()) is None


def test_numbers_are_of_the_devices_that_a_batch_system_gave() -> None:
    assert visible_to("cuda:1", None) == visible_to("cuda:1", "") == "1"
    assert visible_to("cuda:1", "4,7") == "7" and visible_to("cuda:0", "GPU-5a, GPU-6b") == "GPU-5a"


def test_each_cell_sees_one_device_and_none_is_seen_by_two_at_once(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "looks_plugin.py").write_text(PLUGIN)
    suite = Suite(
        methods=("looks(n={0,1,2,3})",), datasets=("gaussian_field(n=1, size=16)",), regimes=("none",),
        plugins=(str(tmp_path / "looks_plugin.py"),),
    )  # fmt: skip

    def planned(pool: Pool, suite: Suite, store: Any = None) -> Any:
        return plan_in_child(suite)  # where no device is looked for

    monkeypatch.setattr(Pool, "plan", planned)
    options = RunOptions(devices=("cuda:0", "cuda:1"))
    assert options.width(1) == 2 and RunOptions(jobs=1, devices=options.devices).width(1) == 1
    summary = run(suite, tmp_path / "s", options, Diary())
    assert set(summary.outcome.values()) == {"ok"}
    seen = [(tmp_path / f"seen-{n}").read_text().split() for n in range(4)]
    spans = sorted((float(start), float(end), device) for device, start, end in seen)
    assert {device for *_, device in spans} == {"0", "1"}
    beside = [(a, b) for n, a in enumerate(spans) for b in spans[n + 1 :] if b[0] < a[1]]
    assert beside and all(a[2] != b[2] for a, b in beside)


def test_a_suite_is_that_of_one_device() -> None:
    words = ["run", "--methods", "identity", "--datasets", "photos", "--regimes", "none"]
    one, several = (suite_of(parser().parse_args([*words, *more])) for more in (
        ("--device", "cuda"), ("--devices", "cuda:0,cuda:1"),
    ))  # fmt: skip
    assert one == several and one.device == "cuda"


def test_devices_that_are_not_there_are_named(cli, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--methods", "identity", "--datasets", "photos", "--regimes", "none", "--dry-run"]
    assert "device cuda:77 is not there" in cli(*words, "--devices", "cuda:77", code=2).stderr
    for more, said in (
        (["--devices", "cpu,cpu"], "--devices must be CUDA devices"),
        (["--devices", "cuda:0", "--device", "cpu"], "exclude each other"),
    ):
        assert main([*words, *more]) == 2 and said in capsys.readouterr().err
