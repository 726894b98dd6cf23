"""The pytest plugin, used as a user's repository does: green, then red after a planted loss."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import noisebench as nb
import pytest
from conftest import ROOT
from messages import missing_from
from warm_python import warm_folder

BLUR = """
    import torch

    LOSS = {loss}

    def blur(noisy, info):
        mean = torch.nn.functional.avg_pool2d(noisy, 3, 1, 1, count_include_pad=False)
        return mean + LOSS
"""
HEAD = """
    import pytest
    from method import blur

    WHERE = ("gaussian_field(n=3)", "gaussian(sigma=25)")
"""
TESTS = """
    @pytest.mark.noisebench(*WHERE)
    def test_blur(noisebench):
        assert noisebench.check(blur).psnr > 20

    @pytest.mark.noisebench(*WHERE)
    def test_loose(noisebench):
        noisebench.check(blur, rules="rules.yaml")

    @pytest.mark.noisebench(*WHERE)
    def test_protocol(noisebench):
        noisebench.check(blur, protocol="{protocol}")

    @pytest.mark.noisebench(*WHERE)
    def test_damaged(noisebench):
        noisebench.check(blur)
"""
WRONG = """
    def test_bad(noisebench):
        assert noisebench.check(blur, *WHERE).psnr > 90

    @pytest.mark.noisebench("gaussian_field(n=3)", sigma=25)
    def test_marker(noisebench):
        pass

    def test_unknown(noisebench):
        noisebench.check(blur, "gausian_field(n=3)")
"""
RULES = "- {metric: psnr, max_drop: 9, max_drop_item: 9}\n- {metric: ssim, max_drop: 0.5}\n"


def pytest_in(folder: Path, *args: str, plugins: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run pytest there, with the plugins named and no others."""
    named = [part for p in ("noisebench.pytest_plugin", *plugins) for part in ("-p", p)]
    # Under xdist the variables of the outer worker would make the inner pytest take itself for one.
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [str(warm_folder() / "pytest"), "-q", "--strict-markers", "-p", "no:cacheprovider", *named, *args],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**outer, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
    )  # fmt: skip


def repository(folder: Path, *tests: str, loss: float = 0.0) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "method.py").write_text(textwrap.dedent(BLUR).format(loss=loss))
    (folder / "rules.yaml").write_text(RULES)
    (folder / "test_method.py").write_text("".join(textwrap.dedent(part) for part in (HEAD, *tests)))
    return folder / "noisebench-baseline" / "test_method"


def test_from_no_baseline_over_an_update_to_green_and_to_red_after_a_planted_loss(tmp_path: Path) -> None:
    stored = repository(tmp_path, TESTS.replace("{protocol}", "uint8"))
    first = pytest_in(tmp_path)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "4 failed" in first.stdout
    assert "no baseline in" in first.stdout and "--noisebench-update" in first.stdout
    assert not stored.exists()

    assert pytest_in(tmp_path, "--noisebench-update").returncode == 0
    names = ["test_blur.json", "test_damaged.json", "test_loose.json", "test_protocol.json"]
    assert sorted(p.name for p in stored.iterdir()) == names
    before = (stored / "test_blur.json").read_text()
    assert "4 passed" in pytest_in(tmp_path).stdout

    repository(tmp_path, TESTS.replace("{protocol}", "float"), loss=0.02)
    (stored / "test_damaged.json").write_text("{}")
    red = pytest_in(tmp_path)
    assert red.returncode == 1
    assert "3 failed, 1 passed" in red.stdout  # the one that passes has rules of its own
    assert "REGRESSION  blur · gaussian_field(n=3) · gaussian(sigma=25)" in red.stdout
    assert "the mean dropped by" in red.stdout
    assert "other protocol: float@1, not uint8@1" in red.stdout
    assert not missing_from(red.stdout, "test_damaged.json is not", "--noisebench-update")
    assert (stored / "test_blur.json").read_text() == before


def test_a_failing_test_leaves_no_baseline_and_mistakes_are_named(tmp_path: Path) -> None:
    stored = repository(tmp_path, WRONG)
    done = pytest_in(tmp_path, "--noisebench-update")
    assert done.returncode == 1
    assert not stored.exists()
    assert not missing_from(done.stdout, "marker noisebench ", "sigma: ", "takes track, dataset, regime")
    assert "did you mean 'gaussian_field'?" in done.stdout


LINES = """
    def test_skip(noisebench):
        noisebench.check("bicubic", *WHERE)

    def test_whole_numbers(noisebench):
        noisebench.check(lambda noisy, info: (255 * noisy).int(), *WHERE)

    def test_damaged(noisebench):
        noisebench.check(blur, *WHERE)
"""


def test_what_is_no_fault_in_the_code_of_a_method_fails_in_one_line(tmp_path: Path) -> None:
    stored = repository(tmp_path, LINES)
    stored.mkdir(parents=True)
    (stored / "test_damaged.json").write_text("{}")
    told = pytest_in(tmp_path).stdout
    assert "During handling" not in told and "Traceback" not in told and ".py:" not in told.partition("short test")[0]
    assert re.search(r"\nnoisebench: method bicubic: needs scale, .* regime .*\n", told)
    assert "\nnoisebench: method <lambda>: returned dtype int32: give float32 on [0, 1] (picture '" in told
    assert re.search(r"\nnoisebench: .*test_damaged.json is not .* export .*, here --noisebench-update does\n", told)

    (stored / "test_damaged.json").unlink()
    (stored / "test_damaged.json").mkdir()
    told = pytest_in(tmp_path, "--noisebench-update", "-k", "damaged").stdout
    assert re.search(
        r"\nnoisebench: baseline .*test_damaged.json cannot be written \(Is a directory\): its folder", told
    )
    assert [file.name for file in stored.iterdir()] == ["test_damaged.json"]


PARTS = """
    import os

    def test_protocols(noisebench):
        for protocol in ("uint8", "float"):
            noisebench.check(blur, *WHERE, protocol=protocol)

    def test_more(noisebench):
        noisebench.check(blur, *WHERE, metrics=os.environ.get("ASKED", "psnr").split())
"""


def test_a_question_may_be_asked_under_several_protocols_and_each_metric_has_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path, PARTS)
    assert pytest_in(tmp_path, "--noisebench-update").returncode == 0
    assert "2 passed" in pytest_in(tmp_path).stdout
    monkeypatch.setenv("ASKED", "psnr ssim")
    told = pytest_in(tmp_path, "-k", "more").stdout
    assert re.search(r"\nnoisebench: no baseline of ssim .*test_more.json: .* --noisebench-update", told)


STOPPED = """
    @pytest.fixture
    def guarded(noisebench):
        noisebench.check(blur, *WHERE)

    @pytest.fixture
    def broken(guarded):
        raise RuntimeError

    def test_broken(broken):
        pass

    def test_stopped(noisebench):
        noisebench.check(blur, *WHERE)
        raise KeyboardInterrupt
"""


def test_a_test_that_does_not_come_to_its_end_leaves_no_baseline(tmp_path: Path) -> None:
    stored = repository(tmp_path, STOPPED)
    done = pytest_in(tmp_path, "--noisebench-update")
    assert done.returncode == 2, done.stdout + done.stderr
    assert not stored.exists()


def test_pytest_benchmark_carries_the_quality_beside_the_time(tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark")
    repository(
        tmp_path,
        """
        def test_quality(noisebench):
            assert noisebench.evaluate(blur, "gaussian_field(n=2)").psnr > 20

        def test_speed(benchmark, noisebench):
            result = noisebench.evaluate(blur, "gaussian_field(n=2)")
            benchmark.pedantic(len, args=(result.rows,), rounds=1)

        def test_without_noise(benchmark, noisebench):
            noisebench.evaluate("identity", "gaussian_field(n=1)", "none", metrics="psnr")
            benchmark.pedantic(len, args=("",), rounds=1)
        """,
    )
    done = pytest_in(tmp_path, "--benchmark-json=b.json", plugins=("pytest_benchmark.plugin",))
    assert done.returncode == 0, done.stdout + done.stderr
    timed = json.loads((tmp_path / "b.json").read_text())["benchmarks"][0]
    told = timed["extra_info"]["noisebench"]
    assert [told[k] for k in ("method", "dataset", "regime", "protocol", "seed")] == [
        "blur", "gaussian_field(n=2)", "gaussian(sigma=25)", "uint8", 0,
    ]  # fmt: skip
    assert 20 < told["psnr"] < 40 and 0 < told["ssim"] < 1
    perfect = json.loads((tmp_path / "b.json").read_text(), parse_constant=pytest.fail)["benchmarks"][1]
    assert perfect["extra_info"]["noisebench"]["psnr"] == "inf"


def test_a_nearer_marker_changes_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    repository(
        tmp_path,
        """
        pytestmark = pytest.mark.noisebench(*WHERE, limit=2)

        @pytest.mark.noisebench(regime="gaussian(sigma=5)", seed=3)
        class TestNear:
            @pytest.mark.noisebench(limit=1)
            def test_nearest(self, noisebench):
                cell = noisebench.evaluate(blur).record.cell
                assert cell.dataset.items == 1 and cell.dataset.name == "gaussian_field"
                assert cell.regime.display == "gaussian(sigma=5)" and cell.seed == 3

        def test_far(noisebench):
            cell = noisebench.evaluate(blur).record.cell
            assert cell.dataset.items == 2 and cell.regime.display == "gaussian(sigma=25)"
        """,
    )
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_parallel_tests_each_have_their_baseline(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    stored = repository(
        tmp_path,
        """
        @pytest.mark.parametrize("sigma", [15, 25])
        def test_levels(noisebench, sigma):
            noisebench.check(blur, "gaussian_field(n=2)", f"gaussian(sigma={sigma})")

        @pytest.mark.parametrize("seed", [0, 1], ids=["a/b", "a b"])
        def test_names(noisebench, seed):
            noisebench.check(blur, "gaussian_field(n=2)", seed=seed)

        @pytest.mark.xfail
        def test_expected_to_fail(noisebench):
            noisebench.check(blur, "gaussian_field(n=2)")
            assert False
        """,
    )
    both = ("xdist.plugin", "xdist.looponfail")
    done = pytest_in(tmp_path, "-n", "2", "--noisebench-update", plugins=both)
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(p.name for p in stored.iterdir())
    assert names[:2] == ["test_levels-15.json", "test_levels-25.json"]
    assert len(names) == 4 and all(re.fullmatch(r"test_names-a-b-[0-9a-f]{8}\.json", name) for name in names[2:])


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, noisebench.pytest_plugin; print(sorted({'torch', 'numpy', 'cv2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@nb.method("halves", layout="hwc")
def halves(noisy: Any, info: Any, *, keep: float = 0.5) -> Any:
    return noisy * keep + 0.25


@nb.method("halves_too", needs=("sigma",))
class Halves:
    def restore(self, noisy: Any, info: Any) -> Any:
        return noisy * 0.5 + 0.25


def test_a_registered_function_or_class_is_evaluated_as_it_is_registered() -> None:
    def plain(noisy: Any, info: Any) -> Any:
        assert tuple(noisy.shape[:2]) == (1, 1)
        return noisy * 0.5 + 0.25

    where = ("gaussian_field(n=2)", "gaussian(sigma=25)")
    scores = {nb.evaluate(method, *where).psnr for method in (halves, Halves, "halves", "halves(keep=0.5)", plain)}
    assert len(scores) == 1
