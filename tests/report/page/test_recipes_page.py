"""Pages of trained methods: their table first, and a filter by the parts in which recipes differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from board_records import record
from browser import BASE, WOBBLE, address, choose, findings, in_browser, methods
from noisebench.report.write import write_report
from noisebench.store.record import Record
from recipe_records import scored, training

pytestmark = in_browser

OPTIMIZERS, LOSSES = ("adam", "sgd"), ("l1", "l2")
RECIPES = [f"trained(objective=supervised(loss={loss}), optimizer={one})" for one, loss in product(OPTIMIZERS, LOSSES)]


def trained(recipes: Sequence[str]) -> list[Record]:
    made = []
    for place, label in enumerate(recipes):
        own = training(label, 0, ((10, 2.0, 24.0), (20, 4.0 + place, 26.0 - place)), mib=4.0 + place)
        made += [own, scored(label, 0, BASE - place - WOBBLE, own)]
    return made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    rivals = [record(name, {"psnr": BASE + 1}) for name in ("bm3d", "median", "nlm")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisebench.report.write.draw_all", lambda *_: ([], []))
        write_report([*trained(RECIPES), rivals[0]], folder / "trained")
        write_report([*trained(RECIPES[:2]), *rivals], folder / "rivals")
    return {name: folder / name / "leaderboard.html" for name in ("trained", "rivals")}


def first_sections(page: Any) -> list[str]:
    return [str(section.get_attribute("id")) for section in page.locator("main section").all()][:2]


def recipes(page: Any) -> list[str]:
    return page.locator("#recipes table").first.locator("tbody td:first-child").all_inner_texts()


def test_the_table_of_recipes_comes_first_where_most_methods_are_recipes(opened: Callable[..., Any]) -> None:
    assert first_sections(opened("trained")) == ["recipes", "board"]
    rivals = opened("rivals")
    assert first_sections(rivals)[0] == "board"
    assert len(recipes(rivals)) == 2


def test_a_part_filters_recipes_everywhere_and_leaves_their_rivals(opened: Callable[..., Any]) -> None:
    page = opened("trained")
    assert (len(recipes(page)), len(methods(page))) == (4, 5)
    choose(page, "partoptimizer", "sgd")
    assert (len(recipes(page)), len(methods(page))) == (2, 3)
    assert "bm3d" in methods(page)
    assert len(page.locator("#trainings table").first.locator("tbody tr").all()) == 2
    choose(page, "partloss of the objective", "l2")
    assert len(recipes(page)) == 1
    again = opened("trained", address(page))
    assert recipes(again) == recipes(page)
    assert findings(page) == []
    page.locator('[data-k="allparts"]').click()
    assert (len(recipes(page)), address(page)) == (4, "")


def test_a_part_that_tells_each_recipe_from_the_others_is_no_filter(opened: Callable[..., Any]) -> None:
    assert opened("rivals").locator('[data-k^="part"]').count() == 0
