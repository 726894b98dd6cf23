"""A recipe that names a trained method: that is trained first, and its network is there when the recipe is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import pytest
from noisebench.claims.figures import CellOf
from noisebench.claims.stored import cells_by_input, find
from noisebench.components.plugins import load_plugin
from noisebench.components.registry import bind
from noisebench.planning.plan import plan
from noisebench.planning.recipe import recipe_of, recipes_in, tuned_in
from noisebench.store.cells import keys, read_cell
from noisebench.store.record import with_needed
from noisebench.suite.suite import Suite
from noisebench.training.checkpoint import key_today

HOW = "data=dead_leaves(n=8, size=16), crop=16, batch=2, validation=2, checks=1, arch=dncnn(depth=2, width=3)"
TEACHER = f"trained({HOW}, steps=4)"
PLUGIN = """
import noisebench as nb


@nb.part("taught")
class Taught:
    def __init__(self, *, teacher: nb.MethodSpec):
        self.teacher = teacher

    def batch(self, batch, step, steps):
        runner = nb.Restorer(self.teacher)
        runner.setup(str(batch["given"].device))
        return batch | {"wanted": runner.instance.net(batch["given"])}
"""


@pytest.fixture(scope="session")  # a worker may come back to this module, and a name is registered once
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plugin") / "taught_by.py"
    file.write_text(PLUGIN, encoding="utf-8")
    load_plugin(file)
    return file


def student(teacher: str = TEACHER, words: str = "") -> str:
    return f"trained({HOW}, steps=3, parts=taught(teacher={teacher}){words})"


def planned(plugin: Path, *methods: str, seeds: tuple[int, ...] = (0,), datasets: tuple[str, ...] = ()) -> list[Any]:
    named: Any = {"regimes": ("gaussian(sigma=25)",), "plugins": (str(plugin),), "seeds": seeds, "datasets": datasets}
    return list(plan(Suite(methods=methods, **named)))


def test_the_teacher_is_planned_before_its_student_and_is_in_its_key(plugin: Path) -> None:
    first, second, scored = planned(plugin, student(), datasets=("photos",))
    assert (first.method.display, second.method.display) == tuple(
        bind(one, "method").display for one in (TEACHER, student())
    )
    assert first.after == [] and "trained" not in first.inputs
    assert second.after == second.inputs["trained"] == [first.key]
    assert second.trained == {recipe_of(bind(TEACHER, "method").kwargs).text: first.key}
    # What is scored needs the student alone.
    assert scored.after == [second.key] and list(scored.trained.values()) == [second.key]


def test_a_teacher_is_trained_once_and_at_the_seed_of_its_student(plugin: Path) -> None:
    cells = planned(plugin, TEACHER, student(), student(words=", seed=5"), seeds=(0, 1))
    seeds = {(cell.method.display == bind(TEACHER, "method").display, cell.seed): cell for cell in cells}
    assert sorted(seed for teacher, seed in seeds if teacher) == [0, 1, 5]
    assert len(cells) == 6 and [cell.seed for cell in cells if cell.after == [seeds[True, 5].key]] == [5]


def test_a_tuned_teacher_is_a_grid_of_its_student(plugin: Path) -> None:
    tuned = f"tuned(method={TEACHER}, vary='optimizer.lr', over=(0.001, 0.01))"
    *variants, last = planned(plugin, student(tuned))
    assert [one.variant for one in variants] == [True, True] and last.variant is False
    assert last.after == sorted(one.key for one in variants)
    assert [one.key for one in last.tuned[0].variants] == [one.key for one in variants]
    bound = bind(student(tuned), "method")
    assert list(recipes_in(bound)) == [bound] and list(tuned_in(bound)) == []


def test_what_a_teacher_was_trained_on_cannot_be_tested(plugin: Path) -> None:
    other = TEACHER.replace("n=8", "n=8, seed=1")
    with pytest.raises(nb.UsageError, match="trains on"):
        planned(plugin, student(other), datasets=("dead_leaves(n=2, size=16, seed=1)",))
    assert len(planned(plugin, student(other), datasets=("dead_leaves(n=2, size=16, seed=2)",))) == 3


def test_it_is_trained_scored_and_found_again(plugin: Path, cli: Any, tmp_path: Path) -> None:
    asked = (
        "--plugin",
        plugin,
        "--regimes",
        "gaussian(sigma=25)",
        "--methods",
        student(),
        "--datasets",
        "photos",
        "--limit",
        1,
        "--store",
        "s",
    )
    assert "3 cells: 3 ok" in cli("run", *asked).stdout
    assert "3 stored already" in cli("run", *asked).stderr
    store = tmp_path / "s"
    cells = [read_cell(store, key) for key in keys(store)]
    own, teacher = (next(one for one in cells if one.training and one.training.of == steps) for steps in (3, 4))
    # Claims: a figure is the student's own; the seconds of a verdict are those of the teacher too.
    of = CellOf(method=student(), training="steps", track="restore")
    found = find(of, 0, cells_by_input([store]))
    assert [cell.key for cell in found.trainings] == [own.key]
    assert [cell.key for cell in found.before] == [teacher.key]
    assert set(found.seconds) == {own.key, teacher.key}
    by_key = {cell.key: cell for cell in cells}
    assert with_needed([own.key], by_key.get) == [own.key, teacher.key]
    card: Any = SimpleNamespace(track="restore", method=own.method.spec, seed=0, regime=own.regime.spec)
    assert key_today(card) == own.key


def test_without_its_teacher_a_student_is_blocked(plugin: Path, cli: Any) -> None:
    lost = TEACHER.replace("steps=4", "steps=4, optimizer=sgd(lr=1e30), schedule=constant")
    asked = ("--plugin", plugin, "--regimes", "gaussian(sigma=25)", "--datasets", "photos", "--limit", 1)
    done = cli("run", *asked, "--methods", student(lost), code=None)
    assert done.returncode != 0 and "1 diverged" in done.stdout and "2 blocked" in done.stdout
