"""The user's own pictures in a folder for each class: what is read, split, resized and refused."""

from __future__ import annotations

import os
from pathlib import Path

import noisebench as nb
import numpy as np
import pytest
from noisebench.datasets.classify.folder import fitted
from noisebench.planning.plan import plan
from noisebench.suite.suite import Suite
from noisebench.text.errors import UsageError


def made(root: Path, *names: str, shape: tuple[int, ...] = (6, 8), one: bool = False) -> None:
    """Pictures of these names, each of a value of its own or all of one."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        nb.write_picture(root / name, np.full(shape, 7 if one else number, np.uint8))


def opened(root: Path, more: str = "split=all") -> nb.Dataset:
    return nb.open_dataset(nb.bind(f"folder(path={str(root)!r}, {more})", "dataset", "classify"))


def refused(root: Path, more: str = "split=all") -> str:
    with pytest.raises(UsageError) as caught:
        found = opened(root, more)
        for index in range(len(found.ids)):
            found.load(index)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_folder_is_a_class_and_classes_take_turns(tmp_path: Path) -> None:
    made(tmp_path, "b/1.png", "b/2.png", "b/3.png", "a/x.png", "a-b/deep/below/y.png")
    (tmp_path / "b" / "notes.txt").write_text("no picture")
    (tmp_path / "empty").mkdir()
    found = opened(tmp_path)
    assert list(found.ids) == ["a/x.png", "a-b/deep/below/y.png", "b/1.png", "b/2.png", "b/3.png"]
    items = [found.load(i) for i in range(5)]
    assert items[0].classes == ("a", "a-b", "b") and [item.label for item in items] == [0, 1, 2, 2, 2]
    assert [int(item.picture[0, 0]) for item in items] == [3, 4, 0, 1, 2]
    assert list(opened(tmp_path, "split=all, n=2").ids) == list(found.ids)[:2]


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_an_estimator_of_ones_own_is_fitted_to_what_a_method_is_given(tmp_path: Path, shape: tuple[int, ...]) -> None:
    made(tmp_path, "a/1.png", "b/2.png", shape=shape)
    track, none = nb.get_track("classify"), nb.bind("none", "regime", "classify")
    for found in (opened(tmp_path), nb.open_dataset(nb.bind("digits(n=2)", "dataset", "classify"))):
        for item in map(found.load, range(2)):
            given = track.pose(none, item, 0).given
            assert item.as_given.dtype == given.dtype and np.array_equal(item.as_given, given)


def test_what_begins_with_a_dot_is_no_class_and_no_picture(tmp_path: Path) -> None:
    made(tmp_path, "a/1.png", "b/1.png", ".ipynb_checkpoints/1.png", "a/.thumbnails/1.png", "b/._1.png")
    found = opened(tmp_path)
    assert list(found.ids) == ["a/1.png", "b/1.png"] and found.load(0).classes == ("a", "b")


def test_a_split_by_key_has_every_picture_once_and_equal_files_on_one_side(tmp_path: Path) -> None:
    made(tmp_path, *(f"{kind}/{i}.png" for i in range(60) for kind in "ab"))
    sides = [set(opened(tmp_path, f"split={side}").ids) for side in ("test", "train")]
    assert not sides[0] & sides[1] and sides[0] | sides[1] == set(opened(tmp_path).ids)
    assert 20 <= len(sides[0]) <= 52
    assert len(opened(tmp_path, "split=test, tested=0.7").ids) > len(sides[0])
    # Under another name it is where it was.
    name = min(sides[0])
    (tmp_path / name).rename(tmp_path / "a" / "zzz.png")
    assert "a/zzz.png" in opened(tmp_path, "split=test").ids


def test_equal_files_of_any_name_are_on_one_side(tmp_path: Path) -> None:
    made(tmp_path, *(f"{kind}/{i}.png" for i in range(20) for kind in "ab"), one=True)
    counts = sorted(_count(tmp_path, side) for side in ("test", "train"))
    assert counts == [0, 40]


def _count(root: Path, side: str) -> int:
    try:
        return len(opened(root, f"split={side}").ids)
    except UsageError as error:
        assert "give another tested" in str(error)
        return 0


def test_a_group_is_on_one_side_and_counts_as_one(tmp_path: Path) -> None:
    names = [f"{kind}/p{who}_{shot}.png" for kind in "ab" for who in range(20) for shot in range(3)]
    made(tmp_path, *names)
    by = "group='^[^/]+/([^_]+)'"
    found = [opened(tmp_path, f"split={side}, {by}") for side in ("test", "train")]
    groups = [{one.load(i).group for i in range(len(one.ids))} for one in found]
    assert not groups[0] & groups[1] and len(groups[0] | groups[1]) == 20
    assert "is no regular expression" in refused(tmp_path, "split=test, group='('")
    assert "finds nothing in" in refused(tmp_path, "split=test, group='^q'")


def test_folders_of_tests_and_of_training_have_the_classes_of_both(tmp_path: Path) -> None:
    made(tmp_path, "train/b/1.png", "train/c/1.png", "test/a/1.png", "test/c/1.png", "val/z/1.png")
    test, train = (opened(tmp_path, f"split={side}, split_by=folders") for side in ("test", "train"))
    assert list(test.ids) == ["test/a/1.png", "test/c/1.png"] and list(train.ids) == ["train/b/1.png", "train/c/1.png"]
    assert [test.load(1).label, train.load(0).label] == [2, 1] and test.load(0).classes == ("a", "b", "c")
    assert len(opened(tmp_path, "split=all, split_by=folders").ids) == 4
    assert "is no class" not in refused(tmp_path / "train", "split_by=folders")


def test_two_folders_named_train_and_test_are_no_classes(tmp_path: Path) -> None:
    made(tmp_path, "train/b/1.png", "test/a/1.png")
    assert "give split_by=folders" in refused(tmp_path)


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        (["1.png", "a/1.png"], "split=all", "'1.png' lies in no folder of a class: CLASS/NAME.png is due"),
        (["test/1.png", "test/a/1.png"], "split_by=folders", "test/CLASS/NAME.png is due"),
        (["a/1.png"], "split=all", "fewer than two folders of a class ('a')"),
        (["c/d/1.png"], "split_by=folders", "fewer than two folders of a class (none)"),
        (["train/a/1.png", "train/b/1.png"], "split_by=folders", "no picture for split=test: put some into test"),
    ],
)
def test_a_folder_of_another_shape_is_refused_by_its_mistake(
    tmp_path: Path, names: list[str], more: str, message: str
) -> None:
    made(tmp_path, *names)
    assert message in refused(tmp_path, more)


def test_no_folder_and_no_picture_are_said_as_elsewhere(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "absent")
    assert "has no file" in refused(tmp_path)


def test_another_size_is_refused_unless_one_is_given(tmp_path: Path) -> None:
    made(tmp_path, "a/1.png", shape=(6, 8))
    made(tmp_path, "b/1.png", shape=(10, 5))
    assert "'b/1.png' has shape (10, 5)" in (message := refused(tmp_path)) and "give size=…" in message
    found = opened(tmp_path, "split=all, size=4")
    assert [found.load(i).picture.shape for i in range(2)] == [(4, 4), (4, 4)]


def test_grey_among_colour_is_refused_unless_all_are_to_be_colour(tmp_path: Path) -> None:
    made(tmp_path, "a/1.png", shape=(4, 4, 3))
    made(tmp_path, "b/1.png", shape=(4, 4))
    assert "give colour=True" in refused(tmp_path)
    found = opened(tmp_path, "split=all, colour=True")
    assert [found.load(i).picture.shape for i in range(2)] == [(4, 4, 3), (4, 4, 3)]


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    made(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "1.png" in refused(tmp_path)


def test_names_of_any_kind_are_only_names(tmp_path: Path) -> None:
    made(tmp_path, "<script>/x\ny.png", "'; rm -rf ~/$(id).png")
    latin = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    latin.mkdir()
    (latin / "1.png").write_bytes((tmp_path / "<script>" / "x\ny.png").read_bytes())
    found = opened(tmp_path)
    assert list(found.ids) == ["'; rm -rf ~/$(id).png", "<script>/x\ny.png", "\N{REPLACEMENT CHARACTER}/1.png"]
    assert found.load(2).classes == ("'; rm -rf ~", "<script>", "\N{REPLACEMENT CHARACTER}")
    assert set(opened(tmp_path, "split=all, group='^[^/]+'").load(2).group) == {"\N{REPLACEMENT CHARACTER}"}


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("shape", "size"), [((20, 12), 5), ((7, 9), 16), ((8, 8), 8), ((9, 5, 3), 2)])
def test_resizing_is_that_of_pillow(kind: type, shape: tuple[int, ...], size: int) -> None:
    pil = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    values = rng.random(shape) if kind is np.float32 else rng.integers(0, np.iinfo(kind).max, shape)
    picture = values.astype(kind)
    got = fitted(picture, size, False)
    side = min(shape[:2])
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    planes = picture.reshape(*shape[:2], -1)[top : top + side, left : left + side]
    due = np.stack(
        [
            np.asarray(pil.fromarray(planes[:, :, c].astype(np.float32)).resize((size, size), pil.Resampling.BILINEAR))
            for c in range(planes.shape[2])
        ],
        axis=2,
    ).reshape(got.shape)
    assert got.dtype == kind and got.shape == (size, size, *shape[2:])
    assert np.abs(got - due.astype(np.float64)).max() <= (1e-6 if kind is np.float32 else 0.51)


def test_a_method_that_is_fitted_to_other_pictures_under_the_same_spec_is_run_again(tmp_path: Path) -> None:
    made(tmp_path / "mine", *(f"{kind}/{i}.png" for i in range(3) for kind in "ab"))

    def key(data: str) -> str:
        suite = Suite(
            suite="t", track="classify", methods=(f"k_nn(data={data})",), datasets=("digits(n=1)",), regimes=("none",)
        )
        (cell,) = plan(suite)
        return cell.key

    own = f"folder(path={str(tmp_path / 'mine')!r}, split=all)"
    within = f"flipped_labels(of={own})"
    before = key(own), key(within), key("digits(split=train)")
    assert (key(own), key(within), key("digits(split=train)")) == before
    (tmp_path / "mine" / "a" / "2.png").rename(tmp_path / "mine" / "b" / "moved.png")
    assert key(own) != before[0] and key(within) != before[1] and key("digits(split=train)") == before[2]
