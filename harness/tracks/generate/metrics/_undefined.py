"""Why a batch has no score."""

from __future__ import annotations

from ....text.errors import NotDefined


def too_few() -> NotDefined:
    """The distance of a batch of one."""
    return NotDefined("a distance needs two samples or more")


def no_training_pictures() -> NotDefined:
    """What is relative to the training pictures of a set that has none."""
    return NotDefined("the set has no training pictures")
