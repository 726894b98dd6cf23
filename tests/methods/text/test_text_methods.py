"""Models of text: counts against values worked out by hand, and networks in windows."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
import torch
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound
from noisebench.methods.text.ngram import NGram
from noisebench.methods.text.trained import TrainedLanguageModel
from noisebench.methods.text.unigram import Unigram
from noisebench.tracks.text import as_passage, codes_of
from numpy.testing import assert_allclose

INFO = nb.Info({"alphabet": "abc"})


class Told:
    """Passages of a, b and c."""

    def __init__(self, *texts: str) -> None:
        self.texts, self.ids = texts, [f"{i}" for i in range(len(texts))]

    def load(self, index: int) -> Any:
        return as_passage(self.ids[index], self.texts[index], "abc")


def data(*texts: str) -> Bound:
    return Bound(Entry("told", lambda: Told(*texts), 1, {}), {}, "told", "told")


def predicted(method: Any, text: str) -> np.ndarray:
    method.setup("cpu")
    p: np.ndarray = np.exp(method.predict(text, INFO).astype(np.float64))
    assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    return p


def test_characters_are_counted_once_more():
    assert_allclose(predicted(Unigram(data=data("aab", "ab")), "ca"), [[4 / 8, 3 / 8, 1 / 8]] * 2, rtol=1e-6)


def test_witten_bell_by_hand():
    method = NGram(data=data("aabab"), order=2, smoothing="witten_bell")
    # Of characters: a 3 and b 2 times, of two kinds, beside a third each.
    one = (np.array([3, 2, 0]) + 2 / 3) / 7
    after_a = (np.array([1, 2, 0]) + 2 * one) / 5
    after_b = (np.array([1, 0, 0]) + 1 * one) / 2
    assert_allclose(predicted(method, "abc"), [after_a, after_b, one], rtol=1e-6)


def test_kneser_ney_by_hand():
    method = NGram(data=data("aabab"), order=2, smoothing="kneser_ney", discount=0.5)
    # a stands behind a and b, and b behind a alone.
    one = (np.array([1.5, 0.5, 0]) + 0.5 * 2 / 3) / 3
    after_a = (np.array([0.5, 1.5, 0]) + 0.5 * 2 * one) / 3
    assert_allclose(predicted(method, "a"), [after_a], rtol=1e-6)


def test_no_passage_is_as_long_as_the_runs():
    method = NGram(data=data("aab", "ab"), order=6, smoothing="kneser_ney")
    assert predicted(method, "aaaaaaaa").shape == (8, 3)
    assert method.discount == 0.5


def test_runs_do_not_go_from_passage_to_passage():
    apart = NGram(data=data("aaaa", "bbbb"), order=2, smoothing="witten_bell")
    assert predicted(apart, "a")[0, 1] < 0.15


@pytest.mark.parametrize("smoothing", ["kneser_ney", "witten_bell"])
def test_a_longer_history_is_chosen_where_it_says_more(smoothing: Any):
    rng = np.random.default_rng(0)
    noise = ["".join(rng.choice(list("abc"), 200)) for _ in range(40)]
    cycle = ["aabac" * 40] * 12
    random, regular = (NGram(data=data(*texts), smoothing=smoothing) for texts in (noise, cycle))
    assert np.abs(predicted(random, "aabacaa") - 1 / 3).max() < 0.1
    assert predicted(regular, "aabacaa")[-1, 1] > 0.99
    assert regular.order is not None and regular.order >= 3


def test_an_order_that_has_no_number_is_refused():
    wide = "".join(map(chr, range(200, 900)))

    class Wide:
        ids = ("wide",)

        def load(self, index: int) -> Any:
            return as_passage("wide", wide, wide)

    method = NGram(data=Bound(Entry("wide", Wide, 1, {}), {}, "wide", "wide"), order=9)
    with pytest.raises(nb.UsageError, match="order=9 is too long for 700 characters: give 6"):
        method.setup("cpu")


def test_another_alphabet_is_skipped():
    for method in (Unigram(data=data("aab")), NGram(data=data("aab"), order=1)):
        method.setup("cpu")
        with pytest.raises(nb.Skip, match="whose alphabet is another"):
            method.predict("aa", nb.Info({"alphabet": "abd"}))


def test_the_source_is_the_optimum():
    source = nb.evaluate("source", "word_chain(n=8)", track="text", metrics=("nats", "excess"))
    best = nb.evaluate("ngram(order=6, smoothing=witten_bell)", "word_chain(n=8)", track="text", metrics=("nats",))
    assert abs(source.excess) < 1e-6 and source.nats < best.nats
    with pytest.raises(nb.Skip, match="without typos"):
        nb.evaluate("source", "word_chain(n=1)", "typos(rate=0.5)", track="text")


class SumsOfWindow(torch.nn.Module):
    """After each character: how many a, b and c the window has had."""

    def __init__(self) -> None:
        super().__init__()
        self.none = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: Any) -> Any:
        assert x.shape[1] <= 4
        return torch.nn.functional.one_hot(x, 3).cumsum(1).transpose(1, 2).float()


def test_a_long_passage_is_read_in_windows():
    method: Any = TrainedLanguageModel.__new__(TrainedLanguageModel)
    method.alphabet, method.recipe = "abc", type("R", (), {"data": data("abc")})
    method.use(SumsOfWindow(), (4,))
    for text in ("ab", "abca", "abcab", "abcabcabcab"):
        logits = method.predict(text, INFO)
        assert logits.shape == (len(text), 3)
        # By the window: four at first, then always three or four, and the last of all.
        counts = logits.sum(axis=1)
        assert counts[:4].tolist() == [1, 2, 3, 4][: len(text)]
        assert all(3 <= count <= 4 for count in counts[4:])
        last = codes_of(text, "abc")[max(0, len(text) - int(counts[-1])) :]
        assert logits[-1].tolist() == np.bincount(last, minlength=3).tolist()
