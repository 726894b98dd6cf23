"""A challenge as a bundle that Codabench takes: its competition, a scoring program that calls noisebench, the truth."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ...data.disk import noticing_full_disk, refuse_in_store, write_named
from ...planning.plan import metric_part
from ...text.errors import UsageError, one_line
from .files import MANIFEST, Challenge, SealedTruth

_SCORING = '''"""Score a submission: what noisebench says of it, as the columns of the leaderboard."""

import json
import subprocess
import sys
from pathlib import Path

given, scored = map(Path, sys.argv[1:3])
command = ["noisebench", "challenge", "judge", str(given / "res"), "--challenge", str(given / "ref"),
           "--truth", str(given / "ref" / "truth.zip"), "--to", str(scored / "store"), "--json"]
done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
if done.returncode:
    sys.exit(done.stdout.decode() or done.returncode)
(submission,) = json.loads(done.stdout)["submissions"]
(scored / "scores.json").write_text(json.dumps(submission["columns"]))
'''
_COMMAND = "command: python3 /app/program/scoring.py /app/input/ /app/output/\n"


def column_key(board: int, metric: str) -> str:
    """The key of a column: `psnr_1` for the first board."""
    return f"{''.join(c if c.isalnum() else '_' for c in metric)}_{board}"


def export_codabench(challenge: Challenge, sealed: SealedTruth, to: Path, image: str) -> int:
    """Write the bundle, whole or not at all; how many bytes it has. `image` is a docker image that has noisebench.

    Raises `UsageError`.
    """
    if to.suffix != ".zip" or not to.parent.is_dir() or to.is_dir():
        raise UsageError(f"--codabench {one_line(to)}: name a file that ends in .zip, in a folder that is there")
    refuse_in_store(to)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("competition.yaml", yaml.safe_dump(_competition(challenge, sealed, image), sort_keys=False))
        archive.writestr("logo.png", _logo())
        archive.writestr("overview.md", _overview(challenge))
        archive.writestr("terms.md", "# Terms\n\nWrite here what participants have to agree to.\n")
        archive.writestr("scoring_program/scoring.py", _SCORING)
        archive.writestr("scoring_program/metadata.yaml", _COMMAND)
        archive.write(challenge.folder / MANIFEST, f"reference_data/{MANIFEST}")
        archive.write(sealed.path, "reference_data/truth.zip")
        for name in _public_files(challenge):
            archive.write(challenge.folder / name, f"public_data/{name}")
    with noticing_full_disk(to):
        write_named(to, buffer.getvalue())
    return to.stat().st_size


def _public_files(challenge: Challenge) -> list[str]:
    """What participants get. Raises `UsageError` where some of it is not there."""
    names = [MANIFEST]
    for item in challenge.items.values():
        arrays = [value for value in item.info.values() if isinstance(value, str) and value.startswith("info/")]
        names += [item.input, *arrays]
    for name in names:
        if ".." in name.split("/") or name.startswith("/") or not (challenge.folder / name).is_file():
            raise UsageError(f"{one_line(challenge.folder)} lacks {one_line(name, 80)}: make the challenge again")
    return names


def _competition(challenge: Challenge, sealed: SealedTruth, image: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = []
    by_rank = sorted(challenge.metrics, key=lambda metric: metric.display != challenge.manifest.rank_by)
    for board, cell in enumerate(sealed.truth.cells, 1):
        for metric in by_rank:
            part = metric_part(metric)
            columns.append({
                "title": f"{metric.display}, {cell.regime}" if len(sealed.truth.cells) > 1 else metric.display,
                "key": column_key(board, metric.display), "index": len(columns),
                "sorting": "desc" if part.higher else "asc", "precision": part.decimals or 4,
            })  # fmt: skip
    return {
        "version": 2, "title": challenge.manifest.name, "image": "logo.png", "terms": "terms.md",
        "description": challenge.manifest.signatures[0], "docker_image": image, "make_programs_available": True,
        "make_input_data_available": False, "pages": [{"title": "Overview", "file": "overview.md"}],
        "tasks": [{
            "index": 0, "name": challenge.manifest.name, "reference_data": "reference_data",
            "scoring_program": "scoring_program",
        }],
        "phases": [{
            "index": 0, "name": "Test", "start": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", "tasks": [0],
            "public_data": "public_data", "accepts_only_result_submissions": True, "max_submissions_per_day": 2,
        }],
        "leaderboards": [{"title": "Results", "key": "main", "submission_rule": "Force_Last", "columns": columns}],
    }  # fmt: skip


def _overview(challenge: Challenge) -> str:
    manifest, words = challenge.manifest, challenge.track.words
    lines = [
        f"# {manifest.name}", "",
        f"`public_data` has {len(manifest.items)} inputs as `.npy`, and `{MANIFEST}`, which describes each. "
        f"Make one {words.output} an input, named as its item is ({challenge.track.answer_files}), and pack them:",
        "", "    noisebench challenge pack RESULTS_DIR --challenge PUBLIC_DATA --to submission.zip --name METHOD", "",
        f"Scores are taken by protocol `{manifest.protocol}`:", "",
    ]  # fmt: skip
    return "\n".join([*lines, *(f"- `{line}`" for line in manifest.signatures), ""])


def _logo() -> bytes:
    """A grey square: a bundle must have a picture, and an organiser has a better one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = 64
    rows = zlib.compress((b"\0" + b"\x80" * size) * size)
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
