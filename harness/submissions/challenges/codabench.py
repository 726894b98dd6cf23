"""A challenge as a bundle that Codabench takes: its competition, a scoring program that calls noisebench, the truth."""

from __future__ import annotations

import hashlib
import io
import re
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
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

given, scored = map(Path, sys.argv[1:3])
with tempfile.TemporaryDirectory() as scratch:
    submitted = Path(scratch, "submission")
    shutil.copytree(given / "res", submitted, symlinks=True)
    (submitted / "metadata").unlink(missing_ok=True)  # which the server adds to each submission
    command = ["noisebench", "challenge", "judge", str(submitted), "--challenge", str(given / "ref"),
               "--truth", str(given / "ref" / "truth.zip"), "--to", str(scored / "store"), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
if done.returncode:
    sys.exit(done.stdout.decode() or done.returncode)
(submission,) = json.loads(done.stdout)["submissions"]
columns = {}
for key, value in submission["columns"].items():
    if isinstance(value, (int, float)) and abs(value) < 1e10:
        columns[key] = value
    else:
        print(f"{key} is {value}, which the leaderboard cannot hold: its place stays empty")
(scored / "scores.json").write_text(json.dumps(columns))
'''
_COMMAND = "command: python3 /app/program/scoring.py /app/input/ /app/output/\n"
_LONGEST_COLUMN, _LONGEST_IMAGE = 36, 128
"""Characters that Codabench keeps of a key or title of a column, and of the name of an image."""


def column_key(board: int, metric: str) -> str:
    """The key of a column: `psnr_1` for the first board. Of a metric with parameters it is cut, and has a hash."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", metric)
    if plain == metric and len(plain) <= 24:
        return f"{plain}_{board}"
    return f"{plain[:16]}_{hashlib.sha256(metric.encode()).hexdigest()[:8]}_{board}"


def export_codabench(challenge: Challenge, sealed: SealedTruth, to: Path, image: str) -> int:
    """Write the bundle, whole or not at all; how many bytes it has. `image` is a docker image that has noisebench.

    Raises `UsageError`.
    """
    if not re.fullmatch(rf"[!-~]{{1,{_LONGEST_IMAGE}}}", image):
        raise UsageError(
            f"--image {one_line(image, 60)!r}: name a docker image that has noisebench, such as me/noisebench, in "
            f"at most {_LONGEST_IMAGE} characters without spaces"
        )
    if to.suffix != ".zip" or not to.parent.is_dir() or to.is_dir():
        raise UsageError(f"--codabench {one_line(to)}: name a file that ends in .zip, in a folder that is there")
    refuse_in_store(to)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("competition.yaml", yaml.safe_dump(_competition(challenge, sealed, image), sort_keys=False))
        archive.writestr("logo.png", _logo())
        archive.writestr("overview.md", _overview(challenge, sealed))
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
    regimes = [cell.regime for cell in sealed.truth.cells]
    for board in range(1, len(regimes) + 1):
        for metric in by_rank:
            part = metric_part(metric)
            columns.append({
                "title": _title(metric.display, board, regimes),
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


def _title(metric: str, board: int, regimes: list[str]) -> str:
    """The title of a column: its metric, and its regime where there are several; its key where that is too long."""
    title = metric if len(regimes) == 1 else f"{metric}, {regimes[board - 1]}"
    fits = len(title) <= _LONGEST_COLUMN and len(set(regimes)) == len(regimes)
    return title if fits else column_key(board, metric)


def _overview(challenge: Challenge, sealed: SealedTruth) -> str:
    manifest, words = challenge.manifest, challenge.track.words
    columns = [
        f"- `{column_key(board, metric.display)}`: `{metric.display}` of `{cell.dataset.display}`, `{cell.regime}`"
        for board, cell in enumerate(sealed.truth.cells, 1)
        for metric in challenge.metrics
    ]
    lines = [
        f"# {manifest.name}", "",
        f"`public_data` has {len(manifest.items)} inputs as `.npy`, and `{MANIFEST}`, which describes each. "
        f"Make one {words.output} an input, named as its item is ({challenge.track.answer_files}), and pack them:",
        "", "    noisebench challenge pack RESULTS_DIR --challenge PUBLIC_DATA --to submission.zip --name METHOD", "",
        f"Scores are taken by protocol `{manifest.protocol}`:", "",
    ]  # fmt: skip
    signatures = (f"- `{line}`" for line in manifest.signatures)
    return "\n".join([*lines, *signatures, "", "The columns of the leaderboard:", "", *columns, ""])


def _logo() -> bytes:
    """A grey square: a bundle must have a picture, and an organiser has a better one."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = 64
    rows = zlib.compress((b"\0" + b"\x80" * size) * size)
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
