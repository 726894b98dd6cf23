"""The user's own pictures with labels in a CSV file: what is read, split and refused."""

from __future__ import annotations

from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.text.errors import UsageError

LINES = "file,label,which,person\na.png,cat,train,p1\nb.png,dog,test,p2\nsub/c.png,cat,test,p1\nd.png,dog,train,p2\n"


def made(root: Path, text: str = LINES) -> Path:
    (root / "sub").mkdir()
    for number, name in enumerate(("a", "b", "sub/c", "d")):
        nb.write_picture(root / f"{name}.png", np.full((6, 8), number, np.uint8))
    (root / "labels.csv").write_text(text)
    return root / "labels.csv"


def opened(file: Path, more: str = "split=all") -> nb.Dataset:
    return nb.open_dataset(nb.bind(f"table(path={str(file)!r}, {more})", "dataset", "classify"))


def test_each_line_is_a_picture_with_its_label(tmp_path: Path) -> None:
    found = opened(made(tmp_path))
    items = [found.load(i) for i in range(len(found.ids))]
    assert list(found.ids) == ["a.png", "b.png", "sub/c.png", "d.png"]
    assert [(item.label, int(item.picture[0, 0])) for item in items] == [(0, 0), (1, 1), (0, 2), (1, 3)]
    assert items[0].classes == ("cat", "dog")
    assert list(opened(tmp_path / "labels.csv", "split=all, n=2").ids) == ["a.png", "b.png"]


def test_classes_that_are_numbers_go_by_their_size(tmp_path: Path) -> None:
    found = opened(made(tmp_path, "file,label\na.png,10\nb.png,2\nsub/c.png,1\nd.png,2\n"))
    assert found.load(0).classes == ("1", "2", "10") and found.load(0).label == 2


def test_a_column_says_the_side_or_else_a_hash_which_a_group_shares(tmp_path: Path) -> None:
    file = made(tmp_path)
    assert list(opened(file, "side=which, split=test").ids) == ["b.png", "sub/c.png"]
    assert list(opened(file, "side=which, split=train").ids) == ["a.png", "d.png"]
    sides = [{*opened(file, f"split={side}, tested=0.5").ids} for side in ("train", "test")]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 4


def test_pictures_may_lie_elsewhere_and_columns_have_other_names(tmp_path: Path) -> None:
    made(tmp_path)
    other = tmp_path / "elsewhere.csv"
    other.write_text("name,kind\nc.png,x\n../a.png,y\n")
    found = opened(other, f"split=all, pictures={str(tmp_path / 'sub')!r}, file=name, label=kind")
    assert [found.load(i).label for i in range(2)] == [0, 1]


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("file,label\na.png,cat\n", "split=all", "one label only"),
        ("file,label\na.png,cat\na.png,dog\n", "split=all", "names a picture twice"),
        ("file,label\na.png,cat\nz.png,dog\n", "split=all", "1 of 2 pictures are not in"),
        ("file,kind\na.png,cat\n", "split=all", "no column 'label' but file, kind"),
        ("file,label\n", "split=all", "no line below"),
        (LINES, "side=person", "says 'p1': train or test is due"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, text: str, more: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        opened(made(tmp_path, text), more)
    assert why in str(caught.value) and "\n" not in str(caught.value)
