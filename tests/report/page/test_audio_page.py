"""Clips to listen to on the page of a report of `audio`."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from board_records import record
from browser import HOSTILE, findings, in_browser
from example_boards import small_board
from messages import missing_from
from noisebench.boards.build import boards
from noisebench.report.page.previews import SOUNDS, page_previews
from noisebench.report.write import write_report
from noisebench.store.export import read_export, write_export
from noisebench.store.record import Panel, Record
from noisebench.tracks.audio import as_clip
from noisebench.tracks.audio.drawing import draw_spectrograms
from noisebench.tracks.audio.sounds import MOST, cut_sounds

RNG = np.random.default_rng(0)
STEP = 1 / 32_768
RATE = 8_000
CLIP = as_clip("<b>tone", 0.1 * np.sin(np.arange(RATE) / 3), RATE)
NOISY = (CLIP.wave + 0.05 * RNG.standard_normal(RATE)).astype(np.float32)


def heard(wav: bytes) -> tuple[np.ndarray, int]:
    assert soundfile.info(io.BytesIO(wav)).subtype == "PCM_16"
    return soundfile.read(io.BytesIO(wav), dtype="float64")


def panel(gain: float) -> Panel:
    made = CLIP.wave * np.float32(gain)
    return Panel(CLIP.id, draw_spectrograms(CLIP, NOISY, made) | cut_sounds(CLIP, NOISY, made) | {"seconds": b"2.5"})


def audio_board() -> list[Record]:
    """Three methods, of which the hostile one is the best; the last cell is from before there were sounds."""
    scores = np.array([9.0, 8.0, 7.5])
    at: dict[str, Any] = {"track": "audio", "dataset": "voices", "regime": "white(snr=5)", "protocol": "plain",
                          "rank_by": "si_sdr", "items": [CLIP.id, "b", "c"]}  # fmt: skip
    last = panel(0.2)
    silent = Panel(last.item, {name: data for name, data in last.parts.items() if name not in SOUNDS})
    return [
        record(HOSTILE, {"si_sdr": scores}, panel=panel(1.0), **at),
        record("half", {"si_sdr": scores - 1}, panel=panel(0.5), **at),
        record("old", {"si_sdr": scores - 2}, panel=silent, **at),
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisebench.report.write.draw_all", lambda *_: ([], []))
        write_report(audio_board(), folder / "audio")
        write_report(small_board(), folder / "pictures")
    return {name: folder / name / "leaderboard.html" for name in ("audio", "pictures")}


def played(page: Path) -> list[bytes]:
    """The WAVs of a page."""
    found = re.findall(r'"data:audio/wav;base64,([A-Za-z0-9+/=]+)"', page.read_text(encoding="utf-8"))
    return [base64.b64decode(text) for text in found]


def test_what_is_heard_is_the_clip_to_half_a_step_and_all_three_by_one_factor():
    made = CLIP.wave * np.float32(0.7)
    waves = (CLIP.wave, NOISY, made)
    factor = 0.5 / max(np.abs(CLIP.wave).max(), np.abs(NOISY).max())
    for wav, wave in zip((cut_sounds(CLIP, NOISY, made)[name] for name in SOUNDS), waves, strict=True):
        values, rate = heard(wav)
        assert rate == RATE
        # 16 bit are written to ±32767 and read by 32768.
        np.testing.assert_allclose(values * 32_768 / 32_767, wave * factor, rtol=0, atol=0.51 * STEP)


def test_a_loud_output_is_not_clipped_and_leaves_the_others_as_they_are():
    sounds, loud = (cut_sounds(CLIP, NOISY, CLIP.wave * np.float32(gain)) for gain in (1, 1e30))
    assert [sounds[name] for name in SOUNDS[:2]] == [loud[name] for name in SOUNDS[:2]]
    values = heard(loud["restored.wav"])[0]
    assert np.abs(values).max() == pytest.approx(1, abs=2 * STEP)
    np.testing.assert_allclose(values, CLIP.wave / np.abs(CLIP.wave).max(), rtol=0, atol=2 * STEP)


@pytest.mark.parametrize(("rate", "seconds", "kept"), [(8_000, 21, 160_000), (16_000, 10, 160_000), (1_000, 0.001, 1),
                                                       (48_000, 11, 499_978)])  # fmt: skip
def test_a_clip_is_kept_whole_up_to_20_seconds_and_1_mb(rate, seconds, kept):
    clip = as_clip("a", RNG.standard_normal(round(rate * seconds)), rate)
    for wav in cut_sounds(clip, clip.wave, clip.wave * 0).values():
        assert len(wav) <= MOST
        assert len(heard(wav)[0]) == kept


def test_silence_is_silence():
    clip = as_clip("a", np.zeros(100), RATE)
    assert all(not heard(wav)[0].any() for wav in cut_sounds(clip, clip.wave, clip.wave).values())


def test_the_page_holds_truth_and_input_once_and_each_output(pages):
    first, half = panel(1.0).parts, panel(0.5).parts
    # The best method made the true clip again, which is in the page once.
    assert first["restored.wav"] == first["clean.wav"]
    assert played(pages["audio"]) == [first["clean.wav"], first["noisy.wav"], half["restored.wav"]]
    assert "media-src data:;" in pages["audio"].read_text(encoding="utf-8")


def test_a_page_of_pictures_alone_has_no_player_and_allows_none(pages):
    text = pages["pictures"].read_text(encoding="utf-8")
    assert "media-src" not in text and "audio" not in text and '"sounds"' not in text


def test_an_export_keeps_the_sounds_and_one_of_before_is_read(tmp_path):
    write_export(tmp_path / "now.json", audio_board())
    found = {r.cell.method.name: r.panel for r in read_export(tmp_path / "now.json")}
    assert found["half"] is not None and found["half"].parts == panel(0.5).parts
    assert found["old"] is not None and found["old"].parts.keys() == {"clean", "noisy", "restored", "seconds"}
    (old,) = page_previews(boards(audio_board()[2:]), None).items[0]
    assert "sounds" not in old


def test_what_is_no_wav_is_not_played_and_no_wav_is_shown_as_a_picture():
    wrong = audio_board()[1]
    assert wrong.panel is not None
    parts = {**wrong.panel.parts, "restored.wav": b"<svg onload=alert(1)>", "noisy.wav": wrong.panel.parts["noisy"]}
    shown = page_previews(boards([replace(wrong, panel=Panel("i", parts))]), None)
    assert shown.items[0][0]["sounds"].keys() == {"truth"}
    parts = {**wrong.panel.parts, "clean": wrong.panel.parts["clean.wav"]}
    shown = page_previews(boards([replace(wrong, panel=Panel("i", parts))]), None)
    assert shown.items == [[]] and all(a.startswith("data:image/png;") for a in shown.addresses)


def test_sounds_get_half_of_the_room_and_the_note_counts_them(monkeypatch):
    everything = page_previews(boards(audio_board()), None).addresses
    one_sound = len(panel(1.0).parts["clean.wav"])
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", 4 * one_sound)
    shown = page_previews(boards(audio_board()), None, beside=True)
    assert sum(a.startswith("data:audio") for a in everything) == 3
    assert sum(a.startswith("data:audio") for a in shown.addresses) == 2
    pictures = sum(a.startswith("data:image") for a in shown.addresses)
    assert pictures >= 1 and pictures + len(shown.beside) == sum(a.startswith("data:image") for a in everything)
    # The best method made the true clip again: two players of one file.
    assert "1 of 4 clips (1 s)" in shown.note


def test_a_page_holds_no_more_sound_than_its_limit(monkeypatch):
    one_sound = len(panel(1.0).parts["clean.wav"])
    monkeypatch.setattr("noisebench.report.page.previews.MAX_SOUND_BYTES", 2 * one_sound)
    shown = page_previews(boards(audio_board()), None)
    assert sum(a.startswith("data:audio") for a in shown.addresses) == 2
    assert sum(a.startswith("data:image") for a in shown.addresses) == 4
    assert "1 of 4 clips (1 s)" in shown.note and "players are shown" not in shown.note


def test_sounds_get_all_that_pictures_leave(monkeypatch):
    everything = page_previews(boards(audio_board()), None).addresses
    drawn = {r.panel.parts[name] for r in audio_board() if r.panel for name in ("clean", "noisy", "restored")}
    sounds = 3 * len(panel(1.0).parts["clean.wav"])
    monkeypatch.setattr("noisebench.report.page.previews.MAX_BYTES", sum(map(len, drawn)) + sounds)
    shown = page_previews(boards(audio_board()), None, beside=True)
    assert shown.addresses == everything and shown.beside == {} and "players" not in shown.note


def test_a_run_leaves_sounds_that_its_report_plays(cli: Any, tmp_path: Path):
    cli("run", "--track", "audio", "--methods", "identity", "--datasets", "voices(n=1, seconds=0.5, rate=8000)",
        "--regimes", "white(snr=5)", "--metrics", "si_sdr", "--keep", "sample")  # fmt: skip
    (file,) = (tmp_path / "nb-store").glob("cells/*/*/panel.json")
    kept = {name: base64.b64decode(text) for name, text in json.loads(file.read_text()).items() if name in SOUNDS}
    assert kept.keys() == set(SOUNDS)
    cli("report", "nb-store", "--to", "board")
    assert set(played(tmp_path / "board" / "leaderboard.html")) == set(kept.values())


@in_browser
def test_a_browser_plays_the_clips_and_shows_hostile_names_as_text(opened: Callable[..., Any], pages):
    page = opened("audio")
    names = page.locator(".sounds b").all_text_contents()
    assert names == ["true clip", "noisy clip", HOSTILE, "half"]
    assert not missing_from(page.locator("#look").text_content(), "1 of 3 clips", CLIP.id, "one volume")
    axes = page.locator(".strip .axes").first
    assert axes.locator(".up span").all_text_contents() == ["0", "1", "2", "3", "4 kHz"]
    assert axes.locator(".along span").all_text_contents() == ["0", "1", "2 s"]
    picture, above = axes.locator("img").bounding_box(), axes.locator(".up span").last.bounding_box()
    assert above["y"] + above["height"] / 2 == pytest.approx(picture["y"], abs=2)
    drawn = page.locator(".strip img").first.bounding_box()
    assert drawn["width"] / drawn["height"] == pytest.approx(2, abs=0.05)
    assert [page.locator(".sounds audio").nth(i).get_attribute("aria-label") for i in range(4)] == names
    seconds = page.evaluate(
        """() => Promise.all(Array.from(document.querySelectorAll("audio"), (a) => new Promise((found, lost) => {
            a.onloadedmetadata = () => found(a.duration);
            a.onerror = () => lost(a.error.message);
            a.load();
            a.preload = "auto";
        })))"""
    )
    assert seconds == [1, 1, 1, 1]
    assert page.evaluate("window.evil") is None


@in_browser
def test_another_player_goes_on_where_the_first_was(opened: Callable[..., Any]):
    page = opened("audio")
    at = page.evaluate(
        """async () => {
            const [first, second] = document.querySelectorAll(".sounds audio");
            const begun = (one) => new Promise((found) => (one.onplaying = found));
            first.currentTime = 0.5;
            first.muted = second.muted = true;
            const one = begun(first);
            first.play();
            await one;
            const two = begun(second);
            second.play();
            await two;
            return [first.paused, first.currentTime, second.currentTime];
        }"""
    )
    assert at[0] is True and 0.5 <= at[1] <= at[2] < 1


@in_browser
def test_the_viewer_plays_both_sides_and_says_which_part(opened: Callable[..., Any]):
    page = opened("audio", viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Open the viewer").click()
    players = page.locator("dialog.viewer audio")
    assert players.count() == 2 and all(
        one.bounding_box()["x"] + one.bounding_box()["width"] <= 390 for one in players.all()
    )
    shown = page.locator("dialog.viewer .heard").inner_text()
    assert not missing_from(shown, CLIP.id, "the first 1 of 2.5 s", "A noisy clip", f"B {HOSTILE}")
    page.locator("dialog.viewer canvas").hover()
    assert re.search(r"\d s, \d\.\d\d kHz", page.locator("dialog.viewer .status").inner_text())
    assert findings(page, "dialog.viewer") == []


def test_a_page_knows_how_long_a_clip_is_unless_its_panel_is_of_before():
    (shown,) = page_previews(boards(audio_board()), None).items[0]
    assert (shown["seconds"], shown["heard"]) == (2.5, (1.0, RATE))
    last = audio_board()[1]
    assert last.panel is not None
    parts = {name: data for name, data in last.panel.parts.items() if name != "seconds"}
    (old,) = page_previews(boards([replace(last, panel=Panel(CLIP.id, parts))]), None).items[0]
    assert "seconds" not in old


def test_a_report_of_a_store_that_kept_nothing_says_how_to_keep(cli: Any):
    run = ("run", "--track", "audio", "--methods", "identity", "--datasets", "voices(n=1, seconds=0.5, rate=8000)",
           "--regimes", "white(snr=5)", "--metrics", "si_sdr")  # fmt: skip
    for more, told in (((), True), (("--keep", "sample", "--store", "kept"), False)):
        cli(*run, *more)
        said = cli("report", "kept" if more else "nb-store", "--to", "board", "--only", "page").stdout
        assert ("--keep sample" in said) == told
