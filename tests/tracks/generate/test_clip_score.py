"""The CLIP score: against the model's own logits, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.tracks.generate.metrics import clip_score as module
from tiny_clip import TEXTS, make_tiny_clip

LABELS = np.array([0, 1, 2, 9, 4])
SAMPLES = np.random.default_rng(0).uniform(-1.2, 1.2, (5, 12 * 12))


def batch(labels: Any = LABELS, channels: int = 1) -> Any:
    return SimpleNamespace(samples=np.tile(SAMPLES, channels), labels=labels, shape=(channels, 12, 12))


def spec(folder: Path) -> str:
    return f"clip_score(model='{folder}', texts='{folder}/texts.txt')"


def test_it_is_what_the_model_itself_says_of_pictures_and_texts(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers", reason="needs transformers: pip install 'noisebench[clip]'")
    from PIL import Image
    from safetensors.torch import load_file

    folder = tmp_path / "clip"
    make_tiny_clip(folder)
    net = transformers.CLIPModel(transformers.CLIPConfig.from_pretrained(folder)).eval()
    net.load_state_dict(load_file(folder / "model.safetensors"))
    levels = np.rint((SAMPLES.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8).reshape(-1, 12, 12)
    pictures = [Image.fromarray(picture).convert("RGB") for picture in levels]
    given = transformers.CLIPImageProcessor.from_pretrained(folder)(images=pictures, return_tensors="pt")
    tokens = transformers.CLIPTokenizer.from_pretrained(folder)([*TEXTS], padding=True, return_tensors="pt")
    with torch.no_grad():
        cosines = (net(**tokens, **given).logits_per_image / net.logit_scale.exp()).numpy()[np.arange(5), LABELS]
    assert cosines.min() < 0 < cosines.max(), "what is below 0 counts as 0"
    expected = 100 * np.maximum(cosines, 0).mean()
    texts = str(folder / "texts.txt")
    assert module.clip_score(batch(), model=str(folder), texts=texts) == pytest.approx(expected, abs=1e-4)
    assert module.clip_score(batch(channels=3), model=str(folder), texts=texts) > 0
    assert "10 classes" in module.clip_score(batch(LABELS + 1), model=str(folder), texts=texts).reason
    before = module.describe(bind(spec(folder), "metric", "generate"))["made_with"]
    (folder / "texts.txt").write_text("one\nanother")
    assert module.describe(bind(spec(folder), "metric", "generate"))["made_with"] != before


def test_it_is_not_defined_without_classes_and_for_other_channels() -> None:
    assert isinstance(module.clip_score(batch(None), model="m", texts="t"), nb.NotDefined)
    assert "2" in module.clip_score(batch(channels=2), model="m", texts="t").reason


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_installed", lambda _: True)
    with pytest.raises(nb.UsageError, match=r"config\.json cannot be read"):
        module.describe(bind(spec(tmp_path), "metric", "generate"))
    monkeypatch.setattr(module, "is_installed", lambda name: name == "torch")
    with pytest.raises(nb.UsageError, match=r'pip install "noisebench\[clip\]"'):
        module.describe(bind(spec(tmp_path), "metric", "generate"))
