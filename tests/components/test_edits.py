"""An edit log: what is edited of a project with plug-ins of every kind, and exactly which of its cells get new keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FILES = {
    "half.py": '''\
"""A method, what it imports from its folder in four ways, and a program that it runs."""
import importlib
import subprocess
import sys
from pathlib import Path

import noisebench as nb
import numpy as np

import near

level = importlib.import_module("level")


@nb.method("half", track="restore", cite="A. Author, Half, 2020", weights=("half.bin",))
def half(noisy, info, *, share: float = 0.5):
    """The input, dimmed."""
    from pack import deep

    if share > 1:
        raise nb.UsageError(f"half: share is {share}: at most 1")
    # as the paper has it
    subprocess.run([sys.executable, str(Path(__file__).with_name("program.py"))], check=True)
    return noisy * np.float32(share * near.SHARE * level.LEVEL * deep.DEPTH)
''',
    "half.bin": "weights",
    "near.py": "import further\n\nSHARE = further.SHARE\n",
    "further.py": "SHARE = 1\n",
    "level.py": "LEVEL = 1\n",
    "program.py": "import printed\n\nprint(printed.TEXT)\n",
    "printed.py": "TEXT = 'done'\n",
    "pack/__init__.py": '"""A package."""\n',
    "pack/deep.py": "DEPTH = 1\n",
    "alone.py": "NOBODY = 'imports this'\n",
    "other.py": '''\
import noisebench as nb


@nb.method("other", track="restore")
def other(noisy, info):
    return noisy


@nb.method("around", track="restore")
class Around:
    """A wrapper."""

    def __init__(self, *, method: nb.MethodSpec):
        self.method = method

    def __call__(self, noisy, info):
        return noisy
''',
    "grainy.py": '''\
import noisebench as nb

from grain import STRENGTH


@nb.regime("grainy", keeps=("*",))
def grainy(picture, rng, *, amount: float = 0.1):
    """Grain."""
    return picture + amount * STRENGTH * rng.normal(size=picture.shape), {}
''',
    "grain.py": "STRENGTH = 1\n",
    "gap.py": '''\
import noisebench as nb

from gap_between import gap_between


@nb.metric("gap", higher=False)
def gap(pair):
    """The gap."""
    return gap_between(pair)


@nb.metric("width", higher=False)
def width(pair):
    return 1.0
''',
    "gap_between.py": "def gap_between(pair):\n    return float(abs(pair.x - pair.y).mean())\n",
    "cut.py": '''\
import noisebench as nb

from bits import BITS


@nb.protocol("cut", bits=BITS)
def cut(picture):
    """Cut."""
    return picture
''',
    "bits.py": "BITS = 8\n",
    "rows.py": '''\
from pathlib import Path

import noisebench as nb
import numpy as np

import drawing


class Rows:
    def __init__(self, n):
        self.ids = [f"p{i}" for i in range(n)]
        self.pixels = np.loadtxt(Path(__file__).with_name("pixels.txt"))

    def load(self, index):
        return nb.Sample(self.ids[index], drawing.drawn(self.pixels, index).astype(np.float32))


@nb.dataset("rows", licence="mine")
def rows(*, n: int = 2):
    """Rows of numbers in a file."""
    return Rows(n)
''',
    "drawing.py": "def drawn(pixels, i):\n    return pixels.reshape(16, 16) / (i + 1)\n",
    "pixels.txt": "\n".join(f"{i / 256:.4f}" for i in range(256)) + "\n",
    "slow.py": '''\
import noisebench as nb

import rate


@nb.optimizer("slow")
def slow(parameters, *, lr: float = 0.1):
    """Slow."""
    import torch

    return torch.optim.SGD(parameters, lr=lr * rate.RATE)
''',
    "rate.py": "RATE = 1\n",
    "taught.py": '''\
import noisebench as nb


@nb.part("taught")
class Taught:
    """A part that has a teacher."""

    def __init__(self, *, teacher: nb.MethodSpec):
        self.teacher = teacher
''',
    "small.py": '''\
import noisebench as nb


@nb.arch("small")
def small(given, wanted, *, width: int = 4):
    """A small network."""
    import torch

    return torch.nn.Conv2d(given[0], wanted[0], 3, padding=1)
''',
}  # fmt: skip
TEACHER = (
    "trained(arch=small(width=8), optimizer=sgd, data='gaussian_field(n=2, size=32)', validation=1, steps=2, checks=1)"
)
TRAINED = (
    "trained(arch=small, optimizer=slow, data='gaussian_field(n=3, size=32)', validation=1, steps=2, checks=1, "
    f"parts=taught(teacher={TEACHER}))"
)
SUITES = {
    # Plug-ins of every kind; and their methods on what comes with noisebench.
    "own": {
        "methods": ["half", "other", "around(method=half)", TRAINED], "datasets": ["rows"],
        "regimes": ["grainy", "gaussian(sigma=25)"], "metrics": ["gap", "psnr"], "protocol": "cut",
    },
    "usual": {
        "methods": ["half", "other", "identity"], "datasets": ["piecewise(n=2, size=16)"],
        "regimes": ["grainy", "grainy + gaussian(sigma=25)", "gaussian(sigma=25)"], "metrics": ["psnr", "mse"],
        "protocol": "uint8", "cost": (8, 8),
    },
}  # fmt: skip
PLAN = """
import dataclasses, gc, json, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "")
import torch
from noisebench.planning.plan import plan
from noisebench.suite.suite import CostPlan, Suite

def keys(folder, suites):
    os.chdir(folder)
    plugins = tuple(sorted(n for n in os.listdir() if n.endswith(".py") and "@nb." in open(n).read()))
    found = {}
    for name, given in suites.items():
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        size = given.pop("cost", None)
        name = given.pop("name", name)
        suite = Suite(suite=name, plugins=plugins, cost=CostPlan((size,)) if size else CostPlan(), **given)
        for cell in plan(suite):
            parts = [cell.method.name, cell.dataset.name, cell.regime.display]
            teaches = cell.kind == "train" and "slow" not in cell.method.display
            found["/".join(["teacher" if teaches else cell.kind, *parts, cell.protocol.name])] = cell.key
    return found

warm = {"methods": ["trained(arch=unet, steps=2, checks=1, validation=1, data='gaussian_field(n=2, size=32)')"],
        "datasets": ["piecewise(n=2, size=16)"], "regimes": ["gaussian(sigma=25)"]}
os.makedirs(sys.argv[1] + "/warm")
keys(sys.argv[1] + "/warm", {"usual": warm})
gc.collect()
gc.freeze()  # a collection in a fork copies what it looks at
for line in sys.stdin:
    folder, suites = json.loads(line)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            text = json.dumps(keys(folder, suites))
        except BaseException as error:
            text = json.dumps({"error": f"{type(error).__name__}: {error}"})
        with os.fdopen(write, "w") as out:
            out.write(text)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        print(answer.read(), flush=True)
    os.waitpid(child, 0)
"""


@dataclass(frozen=True)
class Edit:
    """Texts that are replaced, by file (None: the file goes), what is changed of a suite, and which cells change.

    `changed` are words, of which each cell that changes has one, and no other cell has any: a cell is written
    `kind/method/dataset/regime/protocol`, and `*` is every cell.
    """

    what: str
    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    suites: dict[str, dict[str, object]] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


HALF = ("/half/", "/around/")
STUDENT = ("train/trained/", "score/trained/")
OWN_TRAINED = (*STUDENT, "teacher/")
"""What hangs on the network that both the student and its teacher have."""
EDITS = [
    # ---- what changes no number
    Edit("a comment of a method", {"half.py": ("    # as the paper has it\n", "    # dimmed\n")}),
    Edit("the docstring of a method", {"half.py": ('"""The input, dimmed."""', '"""Half the input."""')}),
    Edit("the docstring of a module", {"half.py": ('"""A method, what', '"""What')}),
    Edit("no docstring at all", {"half.py": ('    """The input, dimmed."""\n', "")}),
    Edit("the text of an error", {"half.py": ("at most 1", "1 at the most")}),
    Edit("a citation", {"half.py": ("Half, 2020", "Half, 2021")}),
    Edit("the layout of a method", {"half.py": ("(noisy, info, *, share", "(\n    noisy, info, *, share")}),
    Edit("blank lines in a helper", {"near.py": ("import further\n\n", "import further\n\n\n\n")}),
    Edit("a comment in a helper's helper", {"further.py": ("SHARE = 1", "SHARE = 1  # all of it")}),
    Edit("a comment in a program", {"program.py": ("print(", "# says so\nprint(")}),
    Edit("the docstring of a package", {"pack/__init__.py": ("A package", "The package")}),
    Edit("a file that nobody imports", {"alone.py": ("this", "that")}),
    Edit("a comment of a regime", {"grainy.py": ('    """Grain."""', '    """Grain."""  # of film')}),
    Edit("the docstring of a metric", {"gap.py": ('"""The gap."""', '"""A gap."""')}),
    Edit("a comment of a protocol", {"cut.py": ("    return", "    # as it is\n    return")}),
    Edit("the docstring of a dataset", {"rows.py": ("Rows of numbers", "Numbers")}),
    Edit("the docstring of an optimiser", {"slow.py": ('"""Slow."""', '"""Slower."""')}),
    Edit("the name of a suite", suites={"own": {"name": "renamed"}, "usual": {"name": "renamed too"}}),
    Edit("the order of methods", suites={"usual": {"methods": ["identity", "other", "half"]}}),
    Edit("the order of regimes", suites={"own": {"regimes": ["gaussian(sigma=25)", "grainy"]}}),
    Edit("the order of metrics", suites={"own": {"metrics": ["psnr", "gap"]}}),
    Edit("a parameter that has its default",
         suites={"usual": {"methods": ["half(share=0.5)", "other", "identity"]}}),
    Edit("a limit that is no limit", suites={"own": {"limit": 2}, "usual": {"limit": 7}}),
    # ---- methods
    Edit("a parameter more", {"half.py": ("float = 0.5):", "float = 0.5, more: int = 1):")}, changed=HALF),
    Edit("a condition of a method", {"half.py": ("share > 1", "share > 2")}, changed=HALF),
    Edit("which error a method raises", {"half.py": ("nb.UsageError", "nb.Invalid")}, changed=HALF),
    Edit("the version of a method", {"half.py": ('cite="', 'version=2, cite="')}, changed=HALF),
    Edit("what a method imports", {"near.py": ("SHARE = f", "SHARE = 2 * f")}, changed=HALF),
    Edit("what that imports", {"further.py": ("= 1", "= 2")}, changed=HALF),
    Edit("what a method imports by name", {"level.py": ("= 1", "= 2")}, changed=HALF),
    Edit("what a method imports in a function", {"pack/deep.py": ("= 1", "= 2")}, changed=HALF),
    Edit("code in the package of that", {"pack/__init__.py": ('"""\n', '"""\nDEEP = 1\n')}, changed=HALF),
    Edit("a program that a method runs", {"program.py": ("print(", "print(1, ")}, changed=HALF),
    Edit("what that program imports", {"printed.py": ("done", "ready")}, changed=HALF),
    Edit("a file of weights", {"half.bin": ("weights", "heights")}, changed=HALF),
    Edit("another method", {"other.py": ("    return noisy\n\n\n@", "    return noisy + 0\n\n\n@")},
         changed=("/other/", "/around/")),
    Edit("a parameter of a method", suites={"usual": {"methods": ["half(share=0.4)", "other", "identity"]}},
         changed=("/half/piecewise/", "cost/half/")),
    # ---- regimes
    Edit("a number of a regime", {"grainy.py": ("amount * STRENGTH", "2 * amount * STRENGTH")}, changed=("/grainy",)),
    Edit("what a regime imports", {"grain.py": ("= 1", "= 2")}, changed=("/grainy",)),
    Edit("the version of a regime", {"grainy.py": ("keeps=", "version=2, keeps=")}, changed=("/grainy",)),
    Edit("what a regime tells", {"grainy.py": ("keeps=", "discloses=('amount',), keeps=")}, changed=("/grainy",)),
    # ---- metrics
    Edit("a number of a metric", {"gap.py": ("return gap_between(", "return 2 * gap_between(")}, changed=("/cut",)),
    Edit("another metric of the same file", {"gap.py": ("return 1.0", "return 2.0")}, changed=("/cut",)),
    Edit("what a metric imports", {"gap_between.py": ("float(abs(", "2 * float(abs(")}, changed=("/cut",)),
    Edit("the version of a metric", {"gap.py": ('"gap", higher', '"gap", version=2, higher')}, changed=("/cut",)),
    Edit("a metric more", suites={"usual": {"metrics": ["psnr", "mse", "mae"]}}, changed=("/piecewise/",)),
    # ---- protocols
    Edit("a protocol", {"cut.py": ("return picture", "return picture + 0")}, changed=("/cut",)),
    Edit("what a protocol imports", {"bits.py": ("= 8", "= None")}, changed=("/cut",)),
    Edit("the version of a protocol", {"cut.py": ("bits=BITS", "bits=BITS, version=2")}, changed=("/cut",)),
    # ---- datasets
    Edit("the code of a dataset", {"rows.py": ("range(n)", "range(0, n)")}, changed=("/rows/",)),
    Edit("what a dataset imports", {"drawing.py": ("(i + 1)", "(1 + i)")}, changed=("/rows/",)),
    Edit("a pixel of a dataset", {"pixels.txt": ("0.0039", "0.0040")}, changed=("/rows/",)),
    Edit("the version of a dataset", {"rows.py": ('licence="', 'version=2, licence="')}, changed=("/rows/",)),
    Edit("how many items there are", suites={"own": {"datasets": ["rows(n=3)"]}}, changed=("/rows/",)),
    Edit("a limit", suites={"usual": {"limit": 1}}, changed=("/piecewise/",)),
    # ---- recipes
    Edit("an optimiser", {"slow.py": ("lr=lr *", "lr=2 * lr *")}, changed=STUDENT),
    Edit("what an optimiser imports", {"rate.py": ("= 1", "= 2")}, changed=STUDENT),
    Edit("the version of an optimiser", {"slow.py": ('"slow")', '"slow", version=2)')}, changed=STUDENT),
    Edit("a part of a recipe", {"taught.py": ("= teacher", "= (teacher)\n        self.more = 1")}, changed=STUDENT),
    Edit("the network of student and teacher", {"small.py": ("3, padding=1", "5, padding=2")}, changed=OWN_TRAINED),
    Edit("the teacher's steps", suites={"own": {"methods": [
        "half", "other", "around(method=half)", TRAINED.replace("steps=2, checks=1))", "steps=3, checks=1))")]}},
        changed=OWN_TRAINED),
    Edit("the student's steps", suites={"own": {"methods": [
        "half", "other", "around(method=half)", TRAINED.replace("steps=2, checks=1, p", "steps=3, checks=1, p")]}},
        changed=STUDENT),
]  # fmt: skip


def written(folder: Path, edit: Edit) -> Path:
    """The project with an edit, in a folder of the edit's own."""
    for name, text in FILES.items():
        if name in edit.texts:
            before, after = edit.texts[name]
            assert text.count(before) >= 1, f"{edit.what}: {name} has no {before!r}"
            text = text.replace(before, after)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Cells and their keys after each edit, each from a fresh process; with no edit under an empty name."""
    root = tmp_path_factory.mktemp("edits")
    edits = [Edit(""), *EDITS]
    lines = []
    for number, edit in enumerate(edits):
        suites = {name: {**suite, **edit.suites.get(name, {})} for name, suite in SUITES.items()}
        lines.append(json.dumps([str(written(root / str(number), edit)), suites]))
    done = subprocess.run(
        [sys.executable, "-P", "-c", PLAN, str(root)], input="\n".join(lines), capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(edits), done.stderr
    return {edit.what: answer for edit, answer in zip(edits, answers, strict=True)}


def test_the_log_is_of_a_project_with_cells_of_every_kind(planned: dict[str, dict[str, str]]) -> None:
    assert "error" not in planned[""], planned[""]
    assert {cell.partition("/")[0] for cell in planned[""]} == {"score", "train", "teacher", "cost"}
    assert len(planned[""]) == 22 and len(EDITS) >= 60 and len({edit.what for edit in EDITS}) == len(EDITS)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.what)
def test_exactly_the_right_cells_run_again(planned: dict[str, dict[str, str]], edit: Edit) -> None:
    before, after = planned[""], planned[edit.what]
    assert after.keys() == before.keys(), after
    changed = {cell for cell in before if before[cell] != after[cell]}
    assert changed == {cell for cell in before if any(word in cell for word in edit.changed)}
