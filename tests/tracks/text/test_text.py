"""The track `text`: its metrics, regimes, checks, datasets and batches against values worked out by hand."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
import pytest
from conftest import DATA
from noisebench.components.entry import Entry
from noisebench.components.registry import Bound, bind
from noisebench.components.tracks import get_track
from noisebench.datasets.text.word_chain import language
from noisebench.track.posed_case import Case
from noisebench.tracks.text import Passage, as_passage, codes_of
from noisebench.tracks.text.batches import IGNORED, TextBatches
from noisebench.tracks.text.near_passages import passage_sketch, shown
from noisebench.tracks.text.posing import TypedCase, pose_passage
from numpy.testing import assert_allclose

TRACK = get_track("text")
METRICS = [bind(name, "metric", "text") for name in ("nats", "accuracy", "excess")]
SOFTMAX = bind("softmax", "protocol", "text")
ABC = " abcdefghijklmnopqrstuvwxyz"
LONG = "the quick brown fox jumps over the lazy dog and runs away from all of the other animals in the wood"


class Fixed:
    """One passage; the number of what is drawn, by call."""

    def __init__(self, *items: Passage) -> None:
        self.items, self.ids = items, [item.id for item in items]

    def load(self, index: int) -> Passage:
        return self.items[index]


def posed(item: Passage, regime: str = "none", seed: int = 0, draw: int = 0) -> TypedCase:
    return pose_passage(bind(regime, "regime", "text"), item, seed, draw)


def passages(spec: str) -> list[Any]:
    dataset = nb.open_dataset(bind(spec, "dataset", "text"))
    return [dataset.load(index) for index in range(len(dataset.ids))]


def runner_of(function: Any) -> Any:
    meta = {"needs": (), "oracle": False, "named": False, "requires": ()}
    return TRACK.open(Bound(Entry("adapter", function, 1, meta), {}, "adapter", "adapter"))


def accepted(function: Any, case: Case) -> Any:
    runner = runner_of(function)
    return runner.accept(runner.call(case.given, case.info), case)


def typed_as(item: Passage, strokes: list[str], monkeypatch: pytest.MonkeyPatch) -> TypedCase:
    """The case of a passage of which just this is typed."""
    from noisebench.tracks.text import posing

    monkeypatch.setattr(posing, "_typed", lambda *given: (strokes, {"rate": 0.5}))
    return posed(item)


def test_scores_by_hand():
    item = as_passage("made", "abba", "ab", [[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    case = posed(item)
    assert case.given == "abb" and case.wanted == (3, 2)
    logits = np.log(np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]], np.float32)) + 5
    scores = TRACK.score(logits, item, case, SOFTMAX, METRICS)
    # b, b and a come next; where both are as likely, the first is taken.
    assert_allclose(scores["nats"], -np.log([0.8, 0.5, 0.9]).mean(), rtol=1e-6)
    assert_allclose(scores["accuracy"], 2 / 3)
    assert_allclose(scores["excess"], (-np.log([0.8, 0.5, 0.9]) + np.log([0.5, 0.75, 0.5])).mean(), rtol=1e-5)
    unknown = TRACK.score(logits, as_passage("made", "abba", "ab"), case, SOFTMAX, METRICS)
    assert isinstance(unknown["excess"], nb.NotDefined) and "source" in unknown["excess"].reason


def test_each_character_is_predicted_from_what_was_typed_before_it(monkeypatch: pytest.MonkeyPatch):
    item = as_passage("made", "abcd", "abcd")
    # a is doubled, b left out, c typed as d.
    case = typed_as(item, ["aa", "", "d"], monkeypatch)
    assert case.given == "aad" and case.rows is not None and case.rows.tolist() == [1, 1, 2]
    p = np.array([[1, 1, 1, 1], [1, 4, 2, 1], [1, 1, 1, 5]]) / 8
    scores = TRACK.score(np.log(p).astype(np.float32), item, case, SOFTMAX, METRICS[:2])
    assert_allclose(scores["nats"], -np.log([4 / 8, 2 / 8, 5 / 8]).mean(), rtol=1e-6)
    assert_allclose(scores["accuracy"], 2 / 3)
    # Nothing stands before b here: it is not scored.
    first = typed_as(item, ["", "b", "c"], monkeypatch)
    assert first.rows is not None and first.rows.tolist() == [-1, 0, 1]
    scores = TRACK.score(np.zeros((2, 4), np.float32), item, first, SOFTMAX, METRICS[:1])
    assert_allclose(scores["nats"], np.log(4))
    with pytest.raises(nb.UsageError, match="leaves no character of 'made': give a lower rate"):
        typed_as(item, ["", "", ""], monkeypatch)


def test_typos_have_their_rate_and_are_keyed():
    item = as_passage("made", "".join(np.random.default_rng(0).choice(list(ABC), 30_001)), ABC)
    case = posed(item, "typos(rate=0.3)")
    assert case.rows is not None and case.info.rate == 0.3
    typed = np.diff([-1, *case.rows])
    right = np.array([case.given[row] == true for row, true in zip(case.rows, item.text[:-1], strict=True)])
    shares = (typed == 0).mean(), (typed == 2).mean(), ((typed == 1) & ~right).mean()
    assert_allclose(shares, [0.1, 0.1, 0.1], atol=0.007)
    item = as_passage("short", LONG, ABC)
    case = posed(item, "typos(rate=0.3)")
    others = [posed(item, "typos(rate=0.3)", seed, draw).given for seed, draw in ((0, 0), (0, 1), (1, 0))]
    assert others[0] == case.given and len(set(others)) == 3
    assert posed(item).given == posed(item, "typos(rate=0)").given == item.text[:-1]
    assert posed(item, "typos(rate=0.1) + typos(rate=0.2)").info.rate is None


def test_a_case_that_is_sent_says_nothing_of_mistakes():
    import pickle

    case = posed(as_passage("made", LONG, ABC), "typos(rate=0.3)")
    sent = pickle.loads(pickle.dumps(case))
    assert type(sent) is Case and sent.given == case.given
    assert sorted(sent.info.disclosed()) == ["alphabet", "rate", "shape"]
    with pytest.raises(TypeError, match="stays with the scorer"):
        TRACK.score(np.zeros(case.wanted, np.float32), as_passage("made", LONG, ABC), sent, SOFTMAX, METRICS[:1])


def test_a_passage_is_of_its_alphabet():
    for text, alphabet, law, words in [
        ("abc", "ab", None, "the alphabet lacks 'c'"),
        ("abc", "acb", None, "in the order of their code points"),
        ("a", "ab", None, "two characters or more, not 1"),
        ("ab", "ab", [[0.5, 0.4]], "add up to 1"),
        ("ab", "ab", [[1.0, 0.0]], "is possible"),
        ("ab", "ab", [[1.0]], r"shape \(1, 1\) where \(1, 2\) was due"),
    ]:
        with pytest.raises(ValueError, match=words):
            as_passage("made", text, alphabet, law)
    assert codes_of("béb", "abé").tolist() == [1, 2, 1]
    with pytest.raises(ValueError, match="lacks 'z'"):
        codes_of("az", "abé")


def test_what_looks_ahead_is_invalid():
    case = posed(as_passage("made", LONG, ABC))
    eye = np.eye(len(ABC), dtype=np.float32)

    def honest(text: str, info: Any) -> Any:
        return 3 * eye[codes_of(text, ABC)]

    def looks_ahead(text: str, info: Any) -> Any:
        return 3 * eye[np.roll(codes_of(text, ABC), -1)]

    def normalises_over_the_passage(text: str, info: Any) -> Any:
        logits = eye[codes_of(text, ABC)]
        return logits - logits.mean(axis=0)

    def draws(text: str, info: Any) -> Any:
        return info.rng.standard_normal((len(text), len(ABC)))

    def draws_by_itself(text: str, info: Any) -> Any:
        return np.random.default_rng().standard_normal((len(text), len(ABC)))

    for function in (honest, draws):
        assert accepted(function, case).shape == case.wanted
    for function in (looks_ahead, normalises_over_the_passage, draws_by_itself):
        with pytest.raises(nb.Invalid, match="those after them"):
            accepted(function, case)
    with pytest.raises(nb.Invalid, match="returned shape"):
        accepted(lambda text, info: np.zeros((3, 3)), case)


def test_what_is_better_than_the_source_allows_is_a_copy():
    for item in passages("word_chain(n=20)"):
        case = posed(item)
        knows = 30 * np.eye(len(item.alphabet), dtype=np.float32)[codes_of(item.text[1:], item.alphabet)]
        assert "better than the source" in TRACK.copied(knows, item, case, SOFTMAX)
        assert item.law is not None
        law = np.log(np.maximum(item.law, 1e-30)).astype(np.float32)
        assert TRACK.copied(law, item, case, SOFTMAX) == ""
        assert TRACK.copied(knows, as_passage("made", item.text, item.alphabet), case, SOFTMAX) == ""


def test_the_words_have_the_entropy_that_is_stated():
    spoken = language(60)
    assert_allclose(spoken.following.sum(axis=0), 1)
    assert_allclose(spoken.following.sum(axis=1), 1)
    assert_allclose(spoken.entropy_rate, 0.369, atol=5e-4)
    items = passages("word_chain(n=40, length=1000)")
    nats = [
        -np.log(item.law[np.arange(len(item.law)), codes_of(item.text[1:], item.alphabet)]).mean() for item in items
    ]
    assert_allclose(np.mean(nats), spoken.entropy_rate, rtol=0.015)
    assert {word for item in items for word in item.text.split(" ")[:-1]} == {word[:-1] for word in spoken.words}


def test_the_law_is_that_of_bayes():
    """Against the probabilities of all whole beginnings of two words, added up."""
    spoken = language(8)
    item = passages("word_chain(n=1, words=8, length=9)")[0]
    count = len(spoken.words)
    likely: dict[str, float] = {}
    for i, first in enumerate(spoken.words):
        for j, second in enumerate(spoken.words):
            for k, third in enumerate(spoken.words):
                text = first + second + third
                p = spoken.following[i, j] * spoken.following[j, k] / count
                for end in range(1, min(len(text), 6) + 1):
                    likely[text[:end]] = likely.get(text[:end], 0.0) + p
    assert item.law is not None
    for row in range(5):
        begun = item.text[: row + 1]
        wanted = [likely.get(begun + letter, 0.0) / likely[begun] for letter in item.alphabet]
        assert_allclose(item.law[row], wanted, atol=1e-12)


def test_the_input_of_costs_has_the_alphabet_of_the_words():
    probe = TRACK.probe((64,))
    assert len(probe.text) == 65 and probe.alphabet == passages("word_chain(n=1)")[0].alphabet


def test_a_training_that_shows_a_passage_is_seen():
    tested = [as_passage(f"t{i}", text[:65], ABC) for i, text in enumerate((LONG, LONG[::-1]))]
    trained = [as_passage("a", "abc" * 30, ABC), as_passage("b", "noise " * 9 + LONG[7:80], ABC)]
    assert shown(*([passage_sketch(one) for one in some] for some in (trained, tested))) == {0: 1}
    made = [
        [passage_sketch(one) for one in passages(spec)]
        for spec in ("word_chain(split=train, n=100, length=512)", "word_chain(n=100)")
    ]
    assert len(shown(*made)) <= 1
    assert shown([], made[1]) == {}
    assert TRACK.truth_sha256(tested[0]) != TRACK.truth_sha256(tested[1])


def batches_of(items: list[Passage], regime: str, order: Any, **more: Any) -> TextBatches:
    return TextBatches(Fixed(*items), range(len(items)), bind(regime, "regime", "text"), order, **more)


def test_a_batch_has_the_true_next_character(monkeypatch: pytest.MonkeyPatch):
    items = [as_passage("one", "abcdabcd", "abcd"), as_passage("two", "dcba", "abcd")]
    batch = batches_of(items, "none", lambda step: [0, 1])(0)
    assert batch["given"].tolist() == [[0, 1, 2, 3, 0, 1, 2], [3, 2, 1, 0, 0, 0, 0][:3] + [0] * 4]
    assert batch["wanted"].tolist() == [[1, 2, 3, 0, 1, 2, 3], [2, 1, 0] + [IGNORED] * 4]
    assert batch["index"].tolist() == [0, 1]
    cut = batches_of(items, "none", lambda step: [0] * 40, crop=3)(1)
    assert cut["given"].shape == (40, 3) and len({tuple(row) for row in cut["given"].tolist()}) == 4
    assert ((cut["given"] + 1) % 4 == cut["wanted"]).all()
    typed_as(items[0], ["aa", "", "c", "d", "a", "b", "c"], monkeypatch)
    # In the middle of what is doubled nothing comes next; of b and c, b does.
    mistyped = batches_of(items[:1], "typos(rate=0.5)", lambda step: [0])(0)
    assert mistyped["given"].tolist() == [[0, 0, 2, 3, 0, 1, 2]]
    assert mistyped["wanted"].tolist() == [[IGNORED, 1, 3, 0, 1, 2, 3]]
    with pytest.raises(nb.UsageError, match="differ in their alphabets"):
        batches_of([items[0], as_passage("other", LONG, ABC)], "none", lambda step: [0])


@pytest.mark.skipif(not (DATA / "tiny_shakespeare").is_dir(), reason="needs tiny_shakespeare in NOISEBENCH_DATA")
def test_the_plays_are_split_in_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(DATA))
    whole = (DATA / "tiny_shakespeare" / "input.txt").read_text()
    train, validation, test = (
        passages(f"tiny_shakespeare(split={split}, length=512)") for split in ("train", "validation", "test")
    )
    assert train[0].text == whole[:513] and len(train[0].alphabet) == 65
    ends = [whole.index(part[-1].text) for part in (train, validation, test)]
    starts = [whole.index(part[0].text) for part in (validation, test)]
    assert ends[0] + 513 <= starts[0] == round(0.9 * len(whole)) and ends[1] + 513 <= starts[1]
    spread = passages("tiny_shakespeare(n=5)")
    assert len({item.id for item in spread}) == 5 and whole.index(spread[-1].text) > 0.98 * len(whole)


def test_texts_of_a_folder_are_split_by_their_length(tmp_path: Any):
    (tmp_path / "one.txt").write_text("ab" * 50)
    (tmp_path / "two.txt").write_text("é" * 100, encoding="utf-8")
    (tmp_path / "notes.md").write_text("xyz")
    train, test = (passages(f"folder(path={tmp_path.as_posix()!r}, split={s}, length=3)") for s in ("train", "test"))
    assert [len(train), len(test)] == [2 * 22, 2 * 2]
    assert {item.alphabet for item in (*train, *test)} == {"abé"}
    assert [item.text for item in test] == ["abab", "abab", "éééé", "éééé"]
    assert test[1].id == "one.txt_0000094"
    assert [item.id for item in passages(f"folder(path={tmp_path.as_posix()!r}, length=3, n=2)")] == [
        "one.txt_0000090",
        "two.txt_0000090",
    ]
    with pytest.raises(nb.UsageError, match="split=test: give a shorter length"):
        passages(f"folder(path={tmp_path.as_posix()!r}, length=30)")
    (tmp_path / "three.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(nb.UsageError, match=r"three\.txt cannot be read"):
        passages(f"folder(path={tmp_path.as_posix()!r}, length=3)")


def test_plays_that_are_not_there_are_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    from noisebench.datasets.text import tiny_shakespeare

    tiny_shakespeare._plays.cache_clear()
    monkeypatch.setattr(nb, "data_roots", lambda: [tmp_path])
    with pytest.raises(nb.UsageError, match="tiny_shakespeare.*--data DIR"):
        passages("tiny_shakespeare(n=1)")
    (tmp_path / "tiny_shakespeare").mkdir()
    (tmp_path / "tiny_shakespeare" / "input.txt").write_text("To be")
    with pytest.raises(nb.UsageError, match=r"input\.txt.*SHA-256"):
        passages("tiny_shakespeare(n=1)")
