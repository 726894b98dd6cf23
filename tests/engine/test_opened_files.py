"""A file that a method opened in its own folder is part of what is checked before the cell is served from the store."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from board_records import record
from msgspec import structs
from noisebench.cli import main
from noisebench.components.datasets import open_dataset
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.engine.opened_files import keep_opened, noticing_opened_files, opened_in, seen_files
from noisebench.store import file_changes as file_changes_module
from noisebench.store.cell import Cell, Request
from noisebench.store.cell_json import written_fields
from noisebench.store.cells import keys, open_store, read_cell, read_record
from noisebench.store.export import export_text
from noisebench.store.file_changes import ABSENT, digest_of, file_changes, remember_digest
from noisebench.testing import throwaway
from noisebench.text.errors import Invalid

NET = """
import json
from pathlib import Path
import noisebench as nb

HERE = Path(__file__).parent

@nb.method("net")
class Net:
    def setup(self, device):
        self.weight = json.loads((HERE / "weights" / "net.json").read_text())

    def restore(self, noisy, info):
        with open(HERE / "calls", "a") as calls:
            calls.write("x")
        return noisy * self.weight

@nb.method("plain")
def plain(noisy, info):
    return noisy
"""
ONE = ["--plugin", "net.py", "--datasets", "gaussian_field(n=2, size=16)", "--regimes", "none", "--metrics", "psnr"]
RUN = ["run", "--methods", "net", *ONE]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plug-in with weights beside it."""
    throwaway(tmp_path, "", net=NET)
    (tmp_path / "weights").mkdir()
    train(tmp_path, 0.5)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(folder: Path, weight: float) -> str:
    """Replace the weights, with their size and times as they were; their SHA-256."""
    file, text = folder / "weights" / "net.json", f"{weight:.6f}"
    file.write_text(text)
    os.utime(file, (1, 1))
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text())


def stored(folder: Path, method: str = "net") -> Cell:
    (cell,) = (c for k in keys(folder / "nb-store") if (c := read_cell(folder / "nb-store", k))
               and c.method.name == method)  # fmt: skip
    return cell


def states(args: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a run would do about each cell."""
    capsys.readouterr()
    assert main([*args, "--dry-run", "--json"]) == 0
    return [cell["state"] for cell in json.loads(capsys.readouterr().out)["cells"]]


def test_a_network_that_was_trained_again_is_run_again_and_why_names_its_file(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["run", "--methods", "net", "plain", *ONE]
    before = train(lab, 0.5)
    assert main(both) == 0 and stored(lab).opened == {"net/weights/net.json": before}
    assert "opened" not in written_fields(stored(lab, "plain"))
    key = stored(lab).key
    assert states(both, capsys) == ["stored", "stored"]
    now = train(lab, 0.9)
    assert states(both, capsys) == ["run", "stored"] == states([*both, "--retry", "never"], capsys)
    assert main(["why", "nb-store", "net", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    line = f"file net/weights/net.json, which the method opened, changed ({before[:12]} → {now[:12]})"
    assert (told["state"], told["changed"]) == ("to be run again", [line])
    assert main(both) == 0 and calls(lab) == 4
    assert (stored(lab).key, stored(lab).opened) == (key, {"net/weights/net.json": now})
    assert states(both, capsys) == ["stored", "stored"]


def test_a_run_says_which_results_it_replaces_before_a_method_without_its_weights_fails(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = train(lab, 0.5)
    assert main(RUN) == 0 and "replaced" not in capsys.readouterr().err
    (lab / "weights" / "net.json").unlink()
    told = (
        "1 stored result is replaced, whatever comes of the run: file net/weights/net.json, which the method opened, "
    )
    assert main(RUN) == 1 and f"{told}changed ({before[:12]} → absent)" in capsys.readouterr().err
    assert stored(lab).outcome == "failed" and "net.json" in stored(lab).reason
    train(lab, 0.5)
    assert main(RUN) == 0 and "replaced" not in capsys.readouterr().err, "a failure is no result"
    train(lab, 0.9)
    assert main([*RUN, "--retry", "always"]) == 0 and "replaced" not in capsys.readouterr().err, "as it was asked"


def test_kept_pictures_of_old_weights_are_not_scored_anew(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "--keep", "all"]) == 0
    assert states([*RUN[:-1], "ssim"], capsys) == ["re-score"]
    assert main([*RUN[:-1], "mse"]) == 0 and calls(lab) == 2, "scored from what was kept"
    (scored,) = (c for k in keys(lab / "nb-store") if (c := read_cell(lab / "nb-store", k)).rescored is not None)
    assert scored.opened == {"net/weights/net.json": train(lab, 0.5)}
    train(lab, 0.9)
    assert states([*RUN[:-1], "mse"], capsys) == ["run"], "as old as what it was scored from"
    assert states([*RUN[:-1], "ssim"], capsys) == ["run"], "old pictures are lent to none"


def test_the_cost_of_a_network_that_was_replaced_is_measured_again(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (lab / "s.yaml").write_text(
        'suite: s\nmethods: [net]\ndatasets: ["gaussian_field(n=1, size=16)"]\nregimes: [none]\n'
        "cost: {sizes: [16x16], repeats: 1}\n"
    )
    run = ["run", "s.yaml", "--plugin", "net.py"]
    assert main(run) == 0
    cells = [read_cell(lab / "nb-store", k) for k in keys(lab / "nb-store")]
    assert [c.opened for c in cells] == [{"net/weights/net.json": train(lab, 0.5)}] * 2
    assert states(run, capsys) == ["stored", "stored"]
    train(lab, 0.9)
    assert states(run, capsys) == ["run", "run"]


def test_an_export_names_what_was_opened_and_not_where_it_lies() -> None:
    one = record("net", {"psnr": [30.0]})
    cell: Any = structs.replace(
        one.cell, opened={"net/net.pth": "0" * 64}, request=Request(folders={"net": "/secret/place"})
    )
    text = export_text([replace(one, cell=cell)])
    assert "net/net.pth" in text and "/secret/place" not in text


@pytest.mark.parametrize("retrained", [False, True])
def test_rows_of_a_stopped_run_are_kept_unless_its_files_are_others_now(
    lab: Path, capsys: pytest.CaptureFixture[str], retrained: bool
) -> None:
    assert main([*RUN, "--dry-run", "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["cells"]
    store = open_store(lab / "nb-store")
    part = store / "partial" / planned["key"]
    part.mkdir(parents=True)
    first = open_dataset(bind("gaussian_field(n=2, size=16)", "dataset", "restore")).load(0)
    row = {"key": planned["key"], "index": 0, "line": get_track("restore").identify(first), "donor": None,
           "item": first.id, "input_sha256": "", "output_sha256": "", "seconds": -1.0, "scores": {"psnr": 1.0},
           "note": ""}  # fmt: skip
    (part / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (part / "opened.json").write_text(json.dumps({"net/weights/net.json": train(lab, 0.5)}))
    if retrained:
        train(lab, 0.9)
    assert main(RUN) == 0
    assert (read_record(store, planned["key"]).seconds[0] > 0) == retrained
    assert calls(lab) == (2 if retrained else 1)


# ------------------------------------------------------------------------------------------- what is noticed


@pytest.fixture
def notice(tmp_path: Path) -> Callable[[Callable[[], Any]], dict[str, str]]:
    """What is noted of a call, for a method whose file lies in `plug`, below which is the store."""
    root = tmp_path / "plug"
    (root / "store" / "partial").mkdir(parents=True)
    folders = {"plug": str(root)}

    def call(work: Callable[[], Any]) -> dict[str, str]:
        with noticing_opened_files(folders):
            work()
        if (seen := seen_files()) is not None:
            keep_opened(json.loads(json.dumps(seen)), folders, root / "store" / "partial", root / "store")
        return opened_in(root / "store" / "partial")

    return call


Notice = Callable[[Callable[[], Any]], dict[str, str]]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def file(path: Path, text: str = "a") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_numpy_torch_and_python_open_is_noticed(tmp_path: Path, notice: Notice) -> None:
    import numpy as np
    import torch

    root = tmp_path / "plug"
    np.save(root / "a.npy", np.zeros(3))
    torch.save({"w": torch.zeros(2)}, root / "b.pth")
    file(root / "deep" / "c.txt")

    def work() -> None:
        np.load(root / "a.npy")
        torch.load(root / "b.pth", weights_only=True)
        os.close(os.open(root / "deep" / "c.txt", os.O_RDONLY))

    assert set(notice(work)) == {"plug/a.npy", "plug/b.pth", "plug/deep/c.txt"}


def test_a_relative_path_is_meant_from_the_working_folder(
    tmp_path: Path, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path / "plug" / "net.pth")
    monkeypatch.chdir(tmp_path / "plug")
    assert notice(lambda: open("net.pth").close()) == {"plug/net.pth": sha("a")}


@pytest.mark.parametrize("place", [
    "elsewhere/net.pth", "plug/__pycache__/x.bin", "plug/a.pyc", "plug/store/rows.jsonl",
    "plug/.venv/lib/python3.11/site-packages/pkg/data.json",
])  # fmt: skip
def test_caches_packages_the_store_and_other_folders_do_not_count(tmp_path: Path, notice: Notice, place: str) -> None:
    assert notice(lambda: file(tmp_path / place) and (tmp_path / place).read_bytes()) == {}


def test_what_is_opened_outside_of_the_method_does_not_count(tmp_path: Path, notice: Notice) -> None:
    picture = file(tmp_path / "plug" / "pictures" / "1.bin")
    notice(lambda: None)
    picture.read_bytes()
    assert notice(lambda: None) == {}


def test_what_is_only_written_does_not_count(tmp_path: Path, notice: Notice) -> None:
    assert notice(lambda: (tmp_path / "plug" / "log.txt").write_text("a")) == {}


def test_an_imported_module_is_left_to_the_sources(
    tmp_path: Path, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path / "plug" / "noticed_helper.py", "X = 1\n")
    file(tmp_path / "plug" / "settings.py", "Y = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "plug"))

    def work() -> None:
        __import__("noticed_helper")
        exec((tmp_path / "plug" / "settings.py").read_text(), {})

    assert set(notice(work)) == {"plug/settings.py"}


def test_a_file_that_was_looked_for_counts_from_when_it_is_there(tmp_path: Path, notice: Notice) -> None:
    def work() -> None:
        with pytest.raises(FileNotFoundError):
            (tmp_path / "plug" / "net.pth").read_text()

    found = notice(work)
    assert found == {"plug/net.pth": ABSENT} and file_changes(found, {"plug": str(tmp_path / "plug")}, tmp_path) == []
    file(tmp_path / "plug" / "net.pth")
    assert len(file_changes(found, {"plug": str(tmp_path / "plug")}, tmp_path)) == 1


def test_a_file_that_changed_while_the_method_used_it_is_never_up_to_date(tmp_path: Path, notice: Notice) -> None:
    net = file(tmp_path / "plug" / "net.pth", "old")

    def retrained_meanwhile() -> None:
        net.read_text()
        os.replace(file(tmp_path / "new", "new"), net)

    assert len(file_changes(notice(retrained_meanwhile), {"plug": str(tmp_path / "plug")}, tmp_path)) == 1


def test_a_file_that_the_method_makes_and_then_reads_is_what_it_made(tmp_path: Path, notice: Notice) -> None:
    net = tmp_path / "plug" / "net.pth"

    def work() -> None:
        for text in ("one", "two"):
            net.write_text(text)
            net.read_text()

    assert notice(work) == {"plug/net.pth": sha("two")}


def test_a_folder_that_is_a_link_is_the_folder(tmp_path: Path) -> None:
    net = file(tmp_path / "real" / "net.pth")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folders = {"plug": str(tmp_path / "link")}
    with noticing_opened_files(folders):
        net.read_text()
    keep_opened(seen_files(), folders, tmp_path, tmp_path / "store")
    assert opened_in(tmp_path)["plug/net.pth"] == sha("a")


def test_a_large_file_is_hashed_once_and_again_when_it_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    digest = file_changes_module._digest.__wrapped__
    monkeypatch.setattr(file_changes_module, "_digest", lambda *a: hashed.append(a) or digest(*a))
    monkeypatch.setattr(file_changes_module, "LARGE", 1)
    monkeypatch.setattr(file_changes_module, "_SETTLED", -(10**18))
    net = file(tmp_path / "net.pth", "old")
    for _ in range(3):
        found = digest_of(str(net), tmp_path)
        remember_digest(str(net), found, tmp_path)
    assert found == sha("old") and len(hashed) == 1
    stamp = net.stat()
    net.write_text("new")
    os.utime(net, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert digest_of(str(net), tmp_path) == sha("new"), "size and time of change are as before"


def test_the_digest_of_a_file_that_changed_just_now_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_changes_module, "LARGE", 1)
    net = file(tmp_path / "net.pth")
    remember_digest(str(net), digest_of(str(net), tmp_path), tmp_path)
    assert not (tmp_path / "digests").exists()


def test_the_files_of_a_program_that_is_started_are_noted(notice: Notice, tmp_path: Path) -> None:
    for name in ("tool.sh", "table.txt", "here.sh"):
        (tmp_path / "plug" / name).write_text("true\n")
    words = ["sh", str(tmp_path / "plug/tool.sh"), "table.txt"]
    assert notice(lambda: subprocess.run(words, cwd=tmp_path / "plug", check=True)) == {
        "plug/table.txt": sha256("true\n"), "plug/tool.sh": sha256("true\n"),
    }  # fmt: skip
    assert "plug/here.sh" in notice(lambda: os.system(f"sh '{tmp_path}/plug/here.sh' 'not' \"closed\""))


def test_what_is_among_the_sources_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("")
    seen = {"read": {"plug/tool.py": None, "plug/gone": None}, "written": [], "torn": []}
    keep_opened(seen, {"plug": str(tmp_path)}, tmp_path, tmp_path / "store", ["plug/tool.py"])
    assert opened_in(tmp_path) == {"plug/gone": ABSENT}


@pytest.mark.parametrize(
    "seen",
    [
        {"read": {"plug/../secret": None}, "written": [], "torn": []},
        {"read": {"elsewhere/secret": None}, "written": [], "torn": []},
        {"read": {"plug//etc/passwd": None}, "written": [], "torn": []},
        {"read": {"plug/a": ["x"]}, "written": [], "torn": []},
        {"read": []},
        None,
    ],
)
def test_what_a_method_says_it_saw_is_not_believed(tmp_path: Path, seen: Any) -> None:
    with pytest.raises(Invalid):
        keep_opened(seen, {"plug": str(tmp_path)}, tmp_path, tmp_path / "store")
    assert opened_in(tmp_path) == {}


def test_only_files_are_hashed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    keep_opened(
        {"read": {"plug/pipe": None}, "written": [], "torn": []}, {"plug": str(tmp_path)}, tmp_path, tmp_path / "s"
    )
    assert opened_in(tmp_path) == {"plug/pipe": ABSENT}
