"""`noisebench doctor`: try a method on tiny pictures, in a child process that may exit, hang or crash."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text.errors import UsageError, one_line
from ..text.terminal import terminal_width, wrapped
from ..text.wording import counted
from .options import add_shared, option_value, print_json, verb

if TYPE_CHECKING:  # numpy comes with it: `--help` does without
    from ..track.examination import Finding


_EXAMPLES = """  noisebench doctor nlm
  noisebench doctor 'vst(method=bm3d, kind=anscombe)'
  noisebench doctor my_net --plugin my_net.py --json
  noisebench doctor my_enhancer --plugin my_enhancer.py --track audio
  noisebench doctor my_sr_net --plugin my_net.py --regime "downsample(scale=2)"

exit code: 0 all fine, 1 something fails, 2 usage"""


def add(verbs: Any) -> None:
    p = verb(verbs, "doctor", "try a method on tiny inputs and say what is wrong with it", _EXAMPLES, run)
    p.add_argument("method", metavar="METHOD", help="a method spec, such as 'nlm(h=0.8)'")
    p.add_argument("--regime", metavar="R", default="", help="try it under this regime, downsample ×2, ×3 and ×4 "
                   "(default: one that discloses what it needs)")  # fmt: skip
    p.add_argument("--timeout", metavar="S", default="120", help="seconds for all checks: 20, 90s, 2m (default: 120)")
    add_shared(p, "track", "plugin", "json")


def run(args: argparse.Namespace) -> int:
    """Examine and print. Returns 0 all fine, 1 something fails; raises `UsageError` (exit code 2)."""
    from ..suite.suite import seconds

    timeout = option_value("timeout", seconds, args.timeout)
    findings = examine_apart(args.method, args.track, args.regime, args.plugin, timeout)
    fine = all(f.ok is not False for f in findings)
    if args.json:
        print_json({"method": args.method, "ok": fine, "findings": [asdict(f) for f in findings]})
    else:
        print(f"{one_line(args.method)}: {verdict(findings)}")
        for finding in findings:
            word = {True: "ok", False: "FAIL", None: "skipped"}[finding.ok]
            start = f"  {word:<8}{finding.name:<30} "
            print("\n".join(wrapped(finding.detail, terminal_width(), " " * len(start), start) or [start.rstrip()]))
    return 0 if fine else 1


def verdict(findings: list[Finding]) -> str:
    """One line on all findings."""
    failed = sum(f.ok is False for f in findings)
    if failed:
        return f"{failed} of {counted(len(findings), 'check')} fail{'s' if failed == 1 else ''}"
    if not any(f.ok for f in findings[1:]):
        return "not tried"
    return "all fine"


def examine_apart(method: str, track: str, regime: str, plugins: list[str], timeout: float) -> list[Finding]:
    """The findings of a process that is ended, with all its offspring, after `timeout` seconds at most."""
    from ..track.examination import Finding

    with tempfile.TemporaryDirectory(prefix="noisebench-doctor-") as folder:
        out, err = Path(folder, "findings"), Path(folder, "stderr")
        out.touch()
        with err.open("wb") as errors:
            words = [str(out), str(timeout), track, method, regime, *plugins]
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "noisebench.engine.examination_process", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            try:
                child.wait()
            finally:
                _end(child)
        lines, strays = _read_lines(out.read_bytes().rpartition(b"\n")[0])
        with err.open("rb") as errors:
            errors.seek(max(0, err.stat().st_size - 2000))
            last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
    for line in lines:
        if "usage" in line:
            raise UsageError(line["usage"])
    findings = [Finding(**line["finding"]) for line in lines if "finding" in line]
    if strays:
        detail = "the method writes to a file that it did not open: print to stdout, not to a descriptor by its number"
        findings.append(Finding("open files", False, detail))
    elif not any("done" in line for line in lines):
        trying = [line["trying"] for line in lines if "trying" in line]
        name = trying[-1] if trying else "start"
        watched = next((line for line in lines if "stopped" in line), None)
        end: int | None = watched["end"] if watched else None
        if end is None:
            detail = watched["stopped"] if watched else "what watches the process was ended"
        elif end < 0:
            detail = f"the process was ended by {signal.Signals(-end).name}"
        else:
            detail = f"the method ended the process (exit code {end})"
        findings.append(Finding(name, False, one_line(f"{detail}: {last}" if last else detail)))
    return findings


def _read_lines(whole: bytes) -> tuple[list[dict[str, Any]], bool]:
    """The JSON lines of an examination, and whether there is other output among them."""
    lines, strays = [], False
    for text in filter(None, whole.split(b"\n")):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if isinstance(line, dict):
            lines.append(line)
        else:
            strays = True
    return lines, strays


def _end(child: subprocess.Popen[bytes]) -> None:
    """Have the watcher end all that it watches, where it has not ended yet."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(10)
    child.kill()
    child.wait()
