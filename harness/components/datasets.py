"""Datasets of bound specs: opened, with ids and items checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..text.errors import Skip, UsageError, one_line, raised_at
from ..text.extras import absent_extra, needs_packages
from .calls import kind_of
from .registry import Bound
from .tracks import DEFAULT

if TYPE_CHECKING:
    from ..track.dataset_protocol import Dataset
    from ..track.track_protocol import Track


def open_dataset(bound: Bound) -> Dataset:
    """The dataset that a bound spec names. Raises `UsageError` for anything else.

    For example:

        >>> fields = nb.open_dataset(nb.bind("gaussian_field(n=2, size=16)", "dataset"))
        >>> fields.ids, fields.load(0).clean.shape
        (['gaussian_field_000', 'gaussian_field_001'], (16, 16))
    """
    if not isinstance(bound, Bound):
        raise UsageError(f"a dataset is opened by its bound spec: nb.open_dataset(nb.bind({bound!r}, 'dataset'))")
    try:
        opened: Dataset = bound.entry.obj(**bound.kwargs)
    except (UsageError, Skip, OSError):
        raise
    except Exception as error:
        if package := absent_extra(error):
            raise UsageError(f"dataset {bound.display} {needs_packages([package])}") from error
        kind = f"{type(error).__name__}: {one_line(error)}{raised_at(error)}"
        raise UsageError(f"dataset {bound.display}: {kind}") from error
    ids = getattr(opened, "ids", None)
    if not hasattr(ids, "__len__") or not hasattr(ids, "__getitem__") or not callable(getattr(opened, "load", None)):
        kind = (
            type(opened).__name__ if ids is None else f"{type(opened).__name__} whose `ids` is a {type(ids).__name__}"
        )
        raise UsageError(f"dataset {bound.display} gives a {kind}: give `ids`, a list of texts, and `load(index)`")
    return opened


def text_ids(bound: Bound, dataset: Dataset) -> Sequence[str]:
    """The ids of a dataset. Raises `UsageError` where one is no text."""
    wrong = next((one for one in dataset.ids if not isinstance(one, str)), None)
    if wrong is not None:
        raise UsageError(
            f"dataset {bound.display}: the id {one_line(repr(wrong), 60)} is no text but {type(wrong).__name__}: "
            "make it str(…), in `ids` and of the item"
        )
    return dataset.ids


def load_item(bound: Bound, dataset: Dataset, index: int, track: Track) -> Any:
    """An item of a dataset. Raises `UsageError` naming both where `load` gives what has no id."""
    item = dataset.load(index)
    if not hasattr(item, "id"):
        form = "as nb.Sample(id, clean)" if track.name == DEFAULT else "with its `id`"
        raise UsageError(
            f"dataset {bound.display}, {track.words.item} {one_line(dataset.ids[index], 60)!r}: "
            f"`load` returned {kind_of(item)}: return the {track.words.item} {form}"
        )
    return item
