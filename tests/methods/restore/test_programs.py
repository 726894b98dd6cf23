"""Programs as methods: what they are given, what is taken from them, and what is said of those that fail."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
import pytest
from noisebench.components.registry import bind
from noisebench.components.tracks import get_track
from noisebench.cost.measure import measure
from noisebench.methods.restore._exchange import unit
from noisebench.methods.restore.command import sweep, words_of
from noisebench.planning.plan import plan
from noisebench.store.reading import read_records
from noisebench.suite.suite import Suite

pytestmark = [pytest.mark.subprocess, pytest.mark.usefixtures("here")]  # of the programs

SHARED = """
import json, os, pickle, sys
from pathlib import Path
import numpy as np
"""
COPY = "cp {input_file} {output_file}"


def scene(height: int = 12, width: int = 9, channels: int = 1, regime: str = "gaussian(sigma=50)") -> tuple[Any, Any]:
    clean = np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, channels), dtype=np.uint8)
    noisy, info = nb.degrade(regime, clean)
    return noisy, info


def program(body: str, arguments: str = "{input_file} {output_file}", options: str = "") -> str:
    """The spec of a Python program; `src` and `out` are its first two arguments as paths."""
    Path("run.py").write_text(f"{SHARED}\nsrc, out = map(Path, sys.argv[1:3])\n{body}\n", encoding="utf-8")
    return f"command(argv={f'{sys.executable} run.py {arguments}'!r}{options})"


def restored(spec: str, noisy: Any, info: Any) -> Any:
    return nb.Restorer(bind(spec, "method")).restore(noisy, info)


# ---- what goes in and out


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_program_that_copies_gives_every_bit_back(channels):
    noisy, info = scene(channels=channels)
    assert noisy.min() < 0 and noisy.max() > 1
    assert np.array_equal(restored(f"command(argv={COPY!r})", noisy, info), noisy)
    assert np.array_equal(restored("command(argv='cp -r {input}/. {output}')", noisy, info), noisy)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_is_clipped_and_rounded_to_its_bits(channels, bits):
    noisy, info = scene(channels=channels)
    top = 2**bits - 1
    expected = (np.rint(np.clip(noisy.astype(np.float64), 0, 1) * top) / top).astype(np.float32)
    assert np.array_equal(restored(f"command(argv={COPY!r}, format=png, bits={bits})", noisy, info), expected)


def test_a_png_has_no_four_channels():
    with pytest.raises(nb.Skip, match="1 or 3 channels, not 4"):
        restored(f"command(argv={COPY!r}, format=png)", *scene(channels=4))


@pytest.mark.parametrize(("kind", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_whole_numbers_are_divided_by_their_largest(kind, top):
    assert np.array_equal(unit(np.full((2, 3), top, kind)), np.ones((2, 3, 1), np.float32))


def test_a_grey_picture_may_come_back_without_its_axis_and_in_another_type():
    spec = program("np.save(out, np.rint(np.load(src)[:, :, 0].clip(0, 1) * 65535).astype(np.uint16))")
    noisy, info = scene()
    assert np.abs(restored(spec, noisy, info) - noisy.clip(0, 1)).max() <= 0.5 / 65535 + 1e-7


# ---- what it is told


def test_what_the_regime_discloses_is_in_the_json_and_in_placeholders():
    body = """
told = json.loads(Path(sys.argv[3]).read_text())
mask = np.load(sys.argv[6])
assert told["sigma"] == float(sys.argv[4]) and float(sys.argv[5]) == 20
assert told["mask"] == Path(sys.argv[6]).name and told["shape"] == [12, 9] and "peak" not in told
np.save(out, np.repeat(mask[:, :, None], np.load(src).shape[2], 2) * told["sigma"])
"""
    spec = program(body, "{input_file} {output_file} {info} {sigma} {sigma255} {mask}")
    noisy, info = scene(regime="mask(keep=0.5) + gaussian(sigma=20)")
    assert np.array_equal(restored(spec, noisy, info)[:, :, 0], np.float32(info.mask * (20 / 255)))


def test_what_the_regime_does_not_disclose_is_a_reason_to_skip():
    for name in ("sigma", "sigma255"):
        with pytest.raises(nb.Skip, match="^needs sigma, "):
            restored(f"command(argv='cp {{input_file}} {{output_file}} {{{name}}}')", *scene(regime="poisson(peak=9)"))


def test_a_program_skips_by_exit_code_77_and_says_why():
    spec = program("print('a warning\\nfor colour pictures', file=sys.stderr); sys.exit(77)")
    with pytest.raises(nb.Skip, match="^for colour pictures$"):
        restored(spec, *scene())
    with pytest.raises(nb.Skip, match=r"exit code 77\).*standard error"):
        restored(program("sys.exit(77)"), *scene())


def test_the_seed_depends_on_the_input_alone():
    spec = program(
        "np.save(out, np.load(src) * 0 + int(sys.argv[3]) % 1000 / 1000)", "{input_file} {output_file} {seed}"
    )
    first, again, other = restored(spec, *scene()), restored(spec, *scene()), restored(spec, *scene(12, 10))
    assert np.array_equal(first, again)
    assert first[0, 0, 0] != other[0, 0, 0]


def test_a_program_never_sees_the_name_of_the_picture():
    nb.write_picture("in_a_secret_place.png", np.zeros((8, 8), np.uint8))
    body = """
seen = " ".join([*sys.argv, *(str(p) for p in Path(sys.argv[1]).parent.parent.rglob("*"))])
seen += Path(sys.argv[3]).read_text()
np.save(out, np.load(src) * 0 + ("secret" in seen))
"""
    spec = program(body, "{input_file} {output_file} {info}")
    rows = nb.evaluate(spec, "folder(path='.')", "none").rows
    assert [row["item"] for row in rows] == ["in_a_secret_place"]
    assert rows[0]["psnr"] == np.inf


def test_there_is_no_shell_and_quotes_keep_words_together():
    body = "np.save(out, np.load(src)); Path('words.json').write_text(json.dumps(sys.argv[3:]))"
    spec = program(body, """{input_file} {output_file} "two words" ';touch pwned' $(pwd) | {{x}} * > gone""")
    restored(spec, *scene())
    assert json.loads(Path("words.json").read_text()) == [
        "two words", ";touch pwned", "$(pwd)", "|", "{x}", "*", ">", "gone",
    ]  # fmt: skip
    assert not Path("pwned").exists() and not Path("gone").exists()


# ---- what goes wrong


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("sys.exit('cannot do it')", "ProgramFailed", "exit code 1: cannot do it"),
        ("sys.exit(7)", "ProgramFailed", "exit code 7, without a word"),
        ("print('x' * 10**6, file=sys.stderr); raise ValueError('boom')", "ProgramFailed", "ValueError: boom"),
        ("os.abort()", "ProgramFailed", "killed by SIGABRT"),
        ("pass", "Invalid", "picture.npy is not in its output folder: no picture"),
        ("np.save(out.with_name('other.npy'), np.load(src))", "Invalid", "only other.npy"),
        (
            "np.save(out, np.load(src)); np.save(out.with_name('more.npy'), 1)",
            "Invalid",
            "wrote 2 pictures where one was due: more.npy",
        ),
        ("np.save(out, np.load(src)[1:])", "Invalid", r"shape \(11, 9, 1\) where \(12, 9, 1\) was due"),
        ("np.save(out, np.load(src).transpose(2, 0, 1))", "Invalid", r"shape \(1, 12, 9\)"),
        ("np.save(out, np.repeat(np.load(src), 3, 2))", "Invalid", r"shape \(12, 9, 3\) where \(12, 9, 1\)"),
        ("np.save(out, np.load(src) * np.nan)", "NotFinite", "NaN"),
        ("np.save(out, np.load(src).astype(int))", "Invalid", "dtype int64"),
        ("np.save(out, np.load(src)[0, 0])", "Invalid", r"shape \(1,\)"),
        ("np.save(out, np.array([{}]), allow_pickle=True)", "Invalid", "Python objects"),
        ("out.write_bytes(b'')", "Invalid", "damaged, or not a .npy"),
        ("out.write_bytes(src.read_bytes()[:-1])", "Invalid", "damaged"),
    ],
)
def test_a_failure_is_named(body, kind, says):
    with pytest.raises(Exception, match=says) as caught:
        restored(program(body), *scene())
    assert type(caught.value).__name__ == kind
    assert len(str(caught.value)) < 400
    assert list(Path("tmp").iterdir()) == []


def test_an_output_may_be_a_picture_file_of_another_kind():
    noisy, info = scene()
    body = "import cv2; cv2.imwrite(str(out.with_suffix('.png')), np.rint(np.load(src).clip(0, 1) * 255))"
    assert np.abs(restored(program(body), noisy, info) - noisy.clip(0, 1)).max() <= 0.5 / 255 + 1e-6
    body = "import cv2; np.save(out.with_suffix('.npy'), cv2.imread(str(src), -1) / 255)"
    assert (
        np.abs(restored(program(body, options=", format=png"), noisy, info) - noisy.clip(0, 1)).max()
        <= 0.5 / 255 + 1e-6
    )


def test_files_that_are_no_pictures_are_left_alone():
    noisy, info = scene()
    body = "np.save(out, np.load(src)); out.with_name('log.txt').write_text('done')"
    assert np.array_equal(restored(program(body), noisy, info), noisy)


def test_a_pickle_that_runs_code_does_not_run():
    body = """
class Bomb:
    def __reduce__(self):
        return os.system, ("touch pwned",)
out.write_bytes(pickle.dumps(Bomb()))
"""
    with pytest.raises(nb.Invalid, match="damaged"):
        restored(program(body), *scene())
    assert not Path("pwned").exists()


def test_a_png_that_is_none_is_named_without_the_temporary_folder():
    spec = program("out.write_bytes(b'not a picture at all')", options=", format=png")
    with pytest.raises(nb.Invalid, match=r"cannot be read: picture 'picture\.png' "):
        restored(spec, *scene())


def test_a_process_that_is_left_behind_is_not_waited_for():
    body = """
import subprocess
child = subprocess.Popen(["sleep", "600"], stdout=2)
Path("child").write_text(str(child.pid))
np.save(out, np.load(src))
"""
    noisy, info = scene()
    assert np.array_equal(restored(program(body), noisy, info), noisy)
    # It still runs, and still holds the pipe.
    os.kill(int(Path("child").read_text()), signal.SIGKILL)


def test_what_killed_runs_left_behind_is_taken_away_but_not_what_is_in_use():
    old, new, used = (Path("tmp", f"noisebench-command-{name}") for name in ("old", "new", "used"))
    for folder in (old, new, used):
        (folder / "in").mkdir(parents=True)
    for folder in (old, used):
        os.utime(folder, (1, 1))
    import fcntl

    lock = os.open(used, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    sweep()
    assert {f.name[19:] for f in Path("tmp").iterdir()} == {"new", "used"}
    os.close(lock)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("", "argv is empty"),
        ("cp '{input} {output}", "cannot be split into words"),
        ("cp {input}", r"lacks \{output\}"),
        ("cp {output_file}", r"lacks \{input\}"),
        ("cp {input} {outptu}", r"unknown placeholder \{outptu\}"),
        ("cp {input} {output", "write a brace twice"),
        ("cp {input} {output} {}", "a placeholder is a name alone"),
        ("cp {input} {output} {sigma:.2f}", "a placeholder is a name alone"),
        ("cp {input} {output} {info.rng}", "unknown placeholder"),
        ("{input} {output}", "cannot be a placeholder"),
        ("no_such_program {input} {output}", "not there, nor on the PATH"),
        ("./run.py {input} {output}", "is not executable"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_in_one_line(argv, says):
    Path("run.py").touch()
    with pytest.raises(nb.UsageError, match=says) as caught:
        words_of(argv)
    assert "\n" not in str(caught.value)


# ---- in a run


def sha_keys(spec: str) -> dict[str, str]:
    (cell,) = plan(Suite(methods=(spec,), datasets=("gaussian_field(n=1)",), regimes=("none",)))
    return cell.inputs.get("weights", {})


def test_files_that_argv_names_are_part_of_the_key():
    Path("net.pth").write_bytes(b"1")
    Path("more").mkdir()
    Path("more/b.txt").write_bytes(b"2")
    spec = program("", "{input} {output} --weights=net.pth", ", files=('more',)")
    assert set(sha_keys(spec)) == {sys.executable, "run.py", "net.pth", "more/b.txt"}
    with pytest.raises(nb.UsageError, match="'gone' of files= does not exist"):
        sha_keys(program("", "{input} {output}", ", files=('gone',)"))


def test_an_edited_program_or_module_beside_it_runs_again_in_the_working_directory(cli, here):
    spec = program("import gain\nnp.save(out, np.load(src) * gain.GAIN)")
    (here / "gain.py").write_text("GAIN = 1.0\n")
    args = ("run", "--methods", spec, "--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none", "--json")

    cli(*args)
    (here / "gain.py").write_text("GAIN = 0.5\n")
    assert [cell["state"] for cell in json.loads(cli(*args).stdout)["cells"]] == ["run"]
    (here / "run.py").write_text((here / "run.py").read_text() + "# changed\n")
    assert "run.py" in cli("why", "nb-store").stdout


def test_a_time_out_ends_the_program_and_its_children(cli, here):
    body = """
import subprocess
from pathlib import Path
child = subprocess.Popen(["sleep", "500"], start_new_session=True)
Path("child").write_text(str(child.pid))
child.wait()
"""
    Path("run.py").write_text(body)
    spec = f"command(argv={f'{sys.executable} run.py {{input}} {{output}}'!r})"
    args = ("--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none", "--timeout", "6")
    cli("run", "--methods", spec, *args, code=1)
    (record,) = read_records(here / "nb-store")
    assert record.cell.outcome == "timeout"
    with pytest.raises(ProcessLookupError):
        os.kill(int((here / "child").read_text()), 0)


def test_a_failure_stands_on_record_with_the_end_of_standard_error(cli, here):
    args = ("--datasets", "gaussian_field(n=1, size=16)", "--regimes", "none")
    cli("run", "--methods", program("print('to stdout'); raise ValueError('no luck')"), *args, code=1)
    (record,) = read_records(here / "nb-store")
    assert record.cell.outcome == "failed"
    assert "exit code 1" in record.cell.reason and record.cell.reason.endswith(
        "ValueError: no luck (picture 'gaussian_field_000')"
    )


def test_the_cost_of_a_program_has_its_processor_time_and_no_memory_of_ours():
    spec = program("sum(range(3 * 10**6)); np.save(out, np.load(src))")
    cost = measure(
        get_track("restore"), bind(spec, "method"), bind("none", "regime"), (16, 16), repeats=2, device="cpu", threads=1
    )
    assert cost.latency_cpu_ms > 50
    assert cost.peak_memory_bytes is None
    assert "another program" in cost.reasons["peak_memory_bytes"]


def test_the_doctor_tries_a_program(cli):
    done = cli("doctor", "command(argv='cp {input_file} {output_file} {sigma}')", code=1)
    assert "cp" in done.stdout and "exit code 1" in done.stdout
    assert "all fine" in cli("doctor", f"command(argv={COPY!r})").stdout
