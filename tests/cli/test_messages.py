"""What a newcomer is told: of an empty store, a wrong path, failures, nothing to do, and after a Ctrl-C."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from board_records import record
from noisebench.cli import main
from noisebench.planning.replan import Replanned
from noisebench.store.cell import Request
from noisebench.store.cells import open_store
from noisebench.store.export import export_text
from noisebench.store.merge import plan_merger
from noisebench.store.record import Record
from noisebench.text.errors import nearest
from stored_cells import made, made_cost, put
from warm_python import warm_folder


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Calls a verb in a folder of its own; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(words)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


@pytest.fixture
def empty(tmp_path: Path) -> str:
    open_store(tmp_path / "none")
    return "none"


@pytest.mark.parametrize(
    "words", [["why"], ["compare", "--method", "a", "b"], ["export", "--to", "x.json"], ["report"]]
)
def test_a_store_without_cells_says_so(told, empty: str, words: list[str]) -> None:
    code, out, err = told(words[0], empty, *words[1:])
    assert (code, out) == (2, "") and "no cell" in err and len(err.splitlines()) == 1


def test_listing_and_tidying_a_store_without_cells(told, empty: str) -> None:
    assert told("store", "ls", empty) == (0, "", "0 cells: `noisebench run … --store` fills the store\n")
    assert told("store", "gc", empty)[1] == "0 cells, nothing to remove\n"
    code, _, err = told("store", "rm", empty, "nlm")
    assert code == 2 and err.endswith("none has no cells: `noisebench run … --store none` fills it\n")


def test_a_baseline_that_is_not_there_comes_with_the_command_that_makes_it(told, empty: str) -> None:
    code, _, err = told("check", "my base.json", empty)
    assert code == 2 and "`noisebench check 'my base.json' none --update` makes it" in err


def test_a_baseline_without_cells_is_said_to_guard_nothing(told, tmp_path: Path, empty: str) -> None:
    (tmp_path / "one.json").write_text(export_text([record("nlm", {"psnr": [30.0]})]))
    code, out, _ = told("check", empty, "one.json")
    assert code == 3 and "none, the baseline, " in out and "no cells" in out


def test_a_picture_alone_is_not_taken_for_a_signature_without_a_word(told) -> None:
    code, _, err = told("explain", "restored.png")
    assert code == 2 and "noisebench explain RESTORED CLEAN" in err


def test_a_failed_cell_is_to_be_tried_again_and_why_says_what_it_failed_of(
    told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from noisebench.engine import planning_process

    store = open_store(tmp_path / "st")
    one = made("nlm", outcome="failed", reason="ValueError: kernel must be odd", request={})
    put(store, one)
    same = Replanned(key=one.cell.key, inputs=one.cell.inputs, request=Request())
    monkeypatch.setattr(planning_process, "replan_in_child", lambda requests: [same])
    first, second, *_ = told("why", "st")[1].splitlines()
    assert first.split("  ")[-2:] == ["failed", "to be tried again"] and second == "    ValueError: kernel must be odd"


@pytest.fixture
def costs(tmp_path: Path) -> list[Record]:
    """A store `st` with a score and the costs of a method for colour, which skips two of three sizes."""
    store = open_store(tmp_path / "st")
    skipped = [made_cost("rgb", *size, outcome="skipped", reason="for colour") for size in ((128, 128), (32, 32))]
    found = [made("rgb"), made_cost("rgb", 32, 32, 3), *skipped]
    for one in found:
        put(store, one)
    return found


def test_a_list_of_cells_has_the_size_of_a_cost_in_place_of_its_dataset(told, costs: list[Record]) -> None:
    for words in (("ls", "st"), ("rm", "st", "rgb")):
        lines = [line.split()[1:5] for line in told("store", *words)[1].splitlines()]
        assert lines[1] == ["score", "ok", "rgb", "photos"]
        assert sorted(lines[2:5]) == [
            ["cost", "ok", "rgb", "32x32x3"],
            ["cost", "skipped", "rgb", "128x128"],
            ["cost", "skipped", "rgb", "32x32"],
        ]


@pytest.mark.parametrize("more", [0, 20])
def test_why_says_the_size_of_a_cost(
    told, costs: list[Record], more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from noisebench.engine import planning_process

    for side in range(more):
        put(tmp_path / "st", made("other", seed=side))
    monkeypatch.setattr(
        planning_process, "replan_in_child", lambda requests: [Replanned(error="gone") for _ in requests]
    )
    lines = [line for line in told("why", "st")[1].splitlines() if " · " in line]
    names = [line.partition("  ")[2].partition(" · gaussian")[0] for line in lines]
    if more:  # those that are alike are one line, with the name of the first
        assert names[0] == "other · photos" and names[1] in ("rgb · cost at 32×32", "rgb · cost at 128×128")
    else:
        assert names[0] == "rgb · photos"
        assert sorted(names[1:]) == ["rgb · cost at 128×128", "rgb · cost at 32×32", "rgb · cost at 32×32×3"]


def test_failures_of_a_board_say_the_size_of_a_cost_the_smallest_first(
    told, costs: list[Record], tmp_path: Path
) -> None:
    assert told("report", "st", "--to", "board")[0] == 0
    board = tmp_path / "board"
    rows = [" ".join(line.split()) for line in (board / "leaderboard.md").read_text().splitlines()]
    lost = [f"| rgb | cost at {size} | | skipped | | for colour | |" for size in ("32×32", "128×128")]
    assert [row for row in rows if row.startswith("| rgb | cost")] == lost
    assert "<td>cost at 32×32</td>" in (board / "leaderboard.html").read_text()
    found = json.loads((board / "summary.json").read_text())["failures"]
    assert [failure["where"] for failure in found] == ["cost at 32×32", "cost at 128×128"]
    table = csv.DictReader((board / "leaderboard.csv").open())
    assert [row["dataset"] for row in table if row["outcome"] == "skipped"] == ["cost at 32×32", "cost at 128×128"]


def test_a_plan_as_json_says_the_size_of_a_cost(told) -> None:
    Path("s.yaml").write_text(
        "suite: s\nmethods: [identity]\ndatasets: ['piecewise(n=1, size=8)']\nregimes: ['gaussian(sigma=5)']\n"
        "cost: {sizes: [8x8, 8x8x3]}\n"
    )
    found = json.loads(told("run", "s.yaml", "--dry-run", "--json")[1])["cells"]
    assert [(cell["kind"], cell.get("size")) for cell in found] == [
        ("score", None), ("cost", [8, 8]), ("cost", [8, 8, 3])]  # fmt: skip


def test_a_new_baseline_says_of_which_size_it_does_not_guard_a_cost(told, costs: list[Record]) -> None:
    out = told("check", "base.json", "st", "--update")[1]
    for size in ("32×32", "128×128"):
        line = f"warning: rgb · cost at {size} · gaussian(sigma=25) is skipped, so the new baseline does not guard it\n"
        assert out.count(line) == 1


def test_what_two_stores_have_differently_is_named_by_the_size_of_a_cost(
    told, costs: list[Record], tmp_path: Path
) -> None:
    put(open_store(tmp_path / "other"), made_cost("rgb", 32, 32))
    (told_of,) = plan_merger([tmp_path / "st", tmp_path / "other"]).conflicts
    assert "(rgb · cost at 32×32 · gaussian(sigma=25), seed 0)" in told_of
    assert [repr(one).partition(" · seed")[0] for one in costs[:2]] == [
        "Record(rgb · photos · gaussian(sigma=25)", "Record(rgb · cost at 32×32×3 · gaussian(sigma=25)",
    ]  # fmt: skip


def test_the_seed_of_a_failure_is_called_so(cli, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "import noisebench as nb\n@nb.method('bad')\ndef bad(noisy, info): raise ValueError('no')\n"
    )
    spec = ["--datasets", "piecewise(n=1, size=8)", "--regimes", "gaussian(sigma=5)", "--plugin", "bad.py"]
    said = cli("run", "--methods", "bad", *spec, code=1).stdout
    cell = "bad · piecewise(n=1, size=8) · gaussian(sigma=5) · seed 0"
    assert f"  failed: {cell}: ValueError: no (bad.py, line 3) (picture 'piecewise_000')\n" in said


def test_what_is_declared_is_listed_in_words(told) -> None:
    _, psnr, _ = told("list", "metrics", "psnr")
    assert psnr.startswith("psnr (version 1, track restore)\n") and "\n\npsnr (version 1, track matrix)\n" in psnr
    assert "\nno parameters\nhigher: yes\n" in psnr and "\ngate: max_drop 0.02, max_drop_item 0.5\n" in psnr
    assert "\ndiscloses: kernel, boundary\n" in told("list", "regimes", "blur")[1]


def test_a_long_list_of_names_is_cut(told) -> None:
    _, _, err = told("run", "--methods", "qqqqq", "--datasets", "photos", "--regimes", "none", "--dry-run")
    listed, _, remedy = err.partition("known: ")[2].partition(" more; ")
    assert listed.count(", ") == 19 and re.search(r" and \d+$", listed) and "--plugin FILE" in remedy


STOPS = {
    "report": "no stored cell was changed; the same command starts anew",
    "store": "what is removed is gone, what is copied is whole; the same command goes on",
    "data": "pictures that came whole are kept; the same command goes on",
}


@pytest.mark.parametrize(("verb", "words"), [("report", ["nb"]), ("store", ["gc", "nb"]), ("data", ["list"])])
def test_ctrl_c_says_what_is_kept(told, monkeypatch: pytest.MonkeyPatch, verb: str, words: list[str]) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    import importlib

    monkeypatch.setattr(importlib.import_module(f"noisebench.cli.{verb}"), "run", stop)
    assert told(verb, *words) == (130, "", f"\nnoisebench {verb}: stopped: {STOPS[verb]}\n")


def test_ctrl_c_in_a_study_names_the_store(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import noisebench as nb, time\n@nb.method('slow')\ndef slow(noisy, info):\n    time.sleep(60)\n"
    )
    (tmp_path / "study.yaml").write_text(
        "methods: [slow]\ndatasets: ['piecewise(n=1, size=8)']\nregimes: ['gaussian(sigma={5,15})']\n"
        "study: [{x: gaussian.sigma}]\n"
    )
    command = [warm_folder() / "noisebench", "study", "study.yaml", "--plugin", "slow.py", "--store", "mine"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None and "2 cells to run" in run.stderr.readline()
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 130 and "stopped: " in said and "(store mine)" in said


def test_ctrl_c_before_a_verb_begins_is_one_line() -> None:
    code = "import noisebench.cli as cli\ndef parser(): raise KeyboardInterrupt\ncli.parser = parser\ncli.entry()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nnoisebench: stopped\n")


def started(command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A real start, for stdout itself is what is tried; `nb` is the command."""
    lines = f'nb() {{ "{sys.executable}" -m noisebench "$@"; }}; {command}'
    env = {**os.environ, **more}
    return subprocess.run(["bash", "-c", lines], capture_output=True, encoding="latin-1", timeout=60, env=env)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_character_shows_another(encoding: str) -> None:
    for command in ("nb run --help", "nb list metrics"):
        done = started(command, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, "") and "?" in done.stdout, command


def test_json_spells_what_a_terminal_lacks() -> None:
    plain, poor = (
        json.loads(started("nb list metrics --json", PYTHONIOENCODING=e).stdout.encode("latin-1"))
        for e in ("utf-8", "ascii")
    )
    assert plain == poor and any(not metric["doc"].isascii() for metric in plain)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("list systems --plugin own.py", "--plugin does nothing beside `list systems`"),
        ("reproduce --list --to x.md", "--to does nothing beside --list"),
        ("reproduce --from held.json --retry never", "--retry does nothing beside --from"),
        ("store ls " + 300 * "a", "a…: File name too long: name another path"),
        ("run demo --cluster 'slurm(workers=1, cores=0)'", "cores must be a whole number from 1, not 0"),
    ],
)
def test_what_would_be_passed_over_or_cannot_be_is_said(command: str, said: str) -> None:
    done = started(f"nb {command}", PYTHONIOENCODING="latin-1")
    assert done.returncode == 2 and said.replace("…", "?") in done.stderr and done.stderr.count("\n") == 1


def test_an_unknown_name_is_told_as_many_as_a_line_holds_each_once() -> None:
    assert nearest("q", ["b", "a", "b"]) == "known: a, b"
    many = nearest("q", [f"{i:02} {50 * 'x'}" for i in range(12)])
    assert many.count("xx ") < 6 and many.endswith(" and 7 more") and many.count(50 * "x") == 5


@pytest.mark.parametrize("words", ["list metrics", "list --help", "--version"])
def test_an_output_that_is_full_is_one_line(words: str) -> None:
    done = started(f"nb {words} > /dev/full")
    verb = " list" if "list" in words else ""
    said = f"noisebench{verb}: the output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_an_output_that_is_closed_is_no_mistake() -> None:
    assert (started("nb list metrics >&-").stderr, started("nb --version >&-").returncode) == ("", 0)
    done = started("nb list methd 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("option", ["shard", "cluster", "devices", "device", "memory", "timeout"])
def test_an_empty_value_is_not_taken_for_none(told, option: str) -> None:
    words = ["run", "--methods", "identity", "--datasets", "photos", "--regimes", "none", "--dry-run"]
    said = f"noisebench run: --{option} is empty: give it a value, or leave it out\n"
    assert told(*words, f"--{option}", "") == (2, "", said)


@pytest.mark.parametrize("late", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_to_what_has_stopped_is_not_met(late: signal.Signals) -> None:
    code = (
        "import atexit, os, noisebench.cli as cli\n"
        f"atexit.register(os.kill, os.getpid(), {late:d})\ncli.main = lambda: 130\ncli.entry()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
