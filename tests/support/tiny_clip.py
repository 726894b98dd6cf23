"""A tiny CLIP model with its processor and tokenizer, untrained, as transformers saves them."""

from __future__ import annotations

import json
import string
from pathlib import Path

TEXTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZE = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


def make_tiny_clip(folder: Path) -> None:
    """Write the model into a new folder, with a file `texts.txt` of ten classes."""
    import torch
    import transformers

    folder.mkdir()
    letters = [letter + end for end in ("", "</w>") for letter in string.ascii_lowercase]
    words = [*letters, "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "texts.txt").write_text("\n".join(TEXTS))
    begin, end = len(words) - 2, len(words) - 1
    tokens = {"vocab_size": len(words), "bos_token_id": begin, "eos_token_id": end, "pad_token_id": end}
    config = transformers.CLIPConfig(
        text_config={**SIZE, **tokens, "max_position_embeddings": 16},
        vision_config={**SIZE, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    torch.manual_seed(0)
    transformers.CLIPModel(config).save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    transformers.CLIPImageProcessor(**sizes).save_pretrained(folder)
