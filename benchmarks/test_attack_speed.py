"""Attacks on a classifier in batches of pictures beside attacks on one picture at a time: processor time of one run."""

from __future__ import annotations

import time

import noisebench as nb
import pytest
from noisebench.methods.classify.attacked import AttackedClassifier
from noisebench.tracks.classify import company, white_box
from targets import hold

ATTACKS = {
    "attacked": ("attacked(method=own)", "none"),
    "adversarial": ("own", "adversarial"),
}


@pytest.mark.timeout(600)
def test_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.manual_seed(0)
    bound = nb.bind("small_cnn(width=8)", "arch")
    net = bound.entry.obj((1, 8, 8), (10,), **bound.kwargs).eval()

    @nb.method("own", track="classify")
    def own(picture, info):
        return net(picture)

    def seconds(together: int, method: str, regime: str) -> float:
        monkeypatch.setattr(company, "TOGETHER", together)
        monkeypatch.setattr(white_box, "TOGETHER", together)
        monkeypatch.setattr(AttackedClassifier, "together", together)
        start = time.process_time()
        nb.evaluate(method, "digits(n=64)", regime, track="classify", metrics="accuracy")
        return time.process_time() - start

    def times_as_fast(attack: tuple[str, str]) -> float:
        seconds(company.TOGETHER, *attack)  # what is imported
        batches = seconds(16, *attack)
        return seconds(1, *attack) / batches

    hold({
        "attacked in batches, times as fast as one picture at a time": times_as_fast(ATTACKS["attacked"]),
        "adversarial in batches, times as fast as one picture at a time": times_as_fast(ATTACKS["adversarial"]),
    })  # fmt: skip
