"""Parts of tracks that are imported when they are called: each is there, and takes what its protocol gives."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from noisebench.cli.data import HasNamedSets
from noisebench.cli.explain import ExplainsNoise, ExplainsPairs
from noisebench.cli.score import ScoresFolders
from noisebench.components.registry import registry
from noisebench.components.tracks import get_track
from noisebench.report import track_protocols
from noisebench.submissions.challenges.files import AnswersClasses, ReadsAnswers, SealsItems
from noisebench.track.alike_items import SeesAlike, SeesCopies, SketchesTruths
from noisebench.track.attacks import Attacks
from noisebench.track.examination import Examines
from noisebench.track.lazy_part import LazyPart
from noisebench.track.set_metrics import HasSetMetrics
from noisebench.track.track_protocol import Track
from noisebench.track.training_batches import Trains

NAMES = registry("track", "").names()


def parts_of(name: str) -> dict[str, LazyPart]:
    return {part: lazy for part, lazy in vars(type(get_track(name))).items() if isinstance(lazy, LazyPart)}


def declared() -> dict[str, inspect.Signature]:
    """What a protocol says of each function of a track."""
    found: dict[str, inspect.Signature] = {}
    own = [Track, SeesAlike, HasSetMetrics, Trains, Examines, Attacks, SeesCopies, SketchesTruths]
    added = [track_protocols.HasPanels, track_protocols.HasSections, track_protocols.HasChangedPanels, SealsItems,
             AnswersClasses, ReadsAnswers, track_protocols.HasDraws, ExplainsNoise, ExplainsPairs, ScoresFolders,
             HasNamedSets]  # fmt: skip
    for one in (*own, *added):
        functions = {n: f for n, f in vars(one).items() if inspect.isfunction(f) and not n.startswith("_")}
        found |= {n: inspect.signature(f) for n, f in functions.items()}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_part_is_there_and_takes_what_its_protocol_gives(name: str) -> None:
    for part, lazy in parts_of(name).items():
        if part == "aggregations":
            assert list(lazy()) == ["psnr"]
            continue
        given = [p for p in declared()[part].parameters.values() if p.name != "self"]
        plain = [0 for p in given if p.kind is not p.KEYWORD_ONLY]
        named = {p.name: 0 for p in given if p.kind is p.KEYWORD_ONLY}
        inspect.signature(lazy.load()).bind(*plain, **named)


def test_a_part_is_imported_when_it_is_called_and_given_the_arguments_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").touch()
    (tmp_path / "room" / "parts.py").write_text("def joined(*words, by):\n    return by.join(words)\n")
    (tmp_path / "room" / "whole.py").write_text(
        "from noisebench.track.lazy_part import LazyPart\n\nclass Whole:\n    joined = LazyPart('parts.joined')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    whole = importlib.import_module("room.whole").Whole()
    assert "room.parts" not in sys.modules
    assert whole.joined("a", "b", by="-") == "a-b" and "room.parts" in sys.modules


def test_a_track_that_is_loaded_loads_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys\nfrom noisebench.components.registry import registry\n"
        "from noisebench.components.tracks import get_track\n"
        "for name in registry('track', '').names(): get_track(name)\n"
        "print([m for m in ('torch', 'matplotlib', 'cv2', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
