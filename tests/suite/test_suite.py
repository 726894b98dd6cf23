"""Suite files: what is read, and each mistake in one line with file and line."""

from __future__ import annotations

import pytest
from messages import missing_from
from noisebench.components.registry import bind_all
from noisebench.suite.suite import find_suite, input_size, named_suites, read_suite, seconds, size_bytes
from noisebench.text.errors import UsageError

GOOD = """\
suite: small
methods: [identity, "nlm(h={0.6,0.8})"]
datasets: [photos]
regimes: ["gaussian(sigma=25)"]
limits: {timeout: 10m, memory: 8GiB}
cost: {sizes: [64x32], repeats: 3}
keep: sample
"""


def write(tmp_path, text):
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return path


def test_a_suite_is_read(tmp_path):
    suite = read_suite(write(tmp_path, GOOD))
    assert suite.methods == ("identity", "nlm(h={0.6,0.8})")
    assert suite.limits.timeout == 600 and suite.limits.memory == 8 << 30
    assert suite.cost.sizes == ((64, 32),)
    # What is not said is as the track has it.
    assert (suite.track, suite.protocol, suite.metrics, suite.rank_by, suite.seeds) == ("restore", "", (), "", (0,))


def test_plug_ins_are_named_from_the_folder_of_the_file(tmp_path, cli):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "half.py").write_text(
        "import noisebench as nb\n\n@nb.method('half')\ndef half(noisy, info):\n    return noisy / 2\n"
    )
    file = write(tmp_path / "mine", "plugins: [half.py]\n" + GOOD.replace("identity", "half"))
    assert read_suite(file).plugins == (str(tmp_path / "mine" / "half.py"),)
    assert "half" in cli("run", "mine/s.yaml", "--dry-run", "--plugin", "./mine/half.py").stdout
    file.write_text("plugins: [gone.py]\n" + GOOD)
    assert not missing_from(cli("run", "mine/s.yaml", "--dry-run", code=2).stderr, "gone.py is", "not a file")


def test_a_second_file_behind_one_plugin_option_is_told_from_a_suite(tmp_path):
    (tmp_path / "p.py").write_text("import noisebench as nb\n")
    with pytest.raises(UsageError, match=r"p\.py .*Python file.* --plugin"):
        find_suite(str(tmp_path / "p.py"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "plugins: half.py\n", 8, "must be a list"),
        (GOOD + "metod: [x]\n", 8, "unknown key 'metod'"),
        (GOOD + "suite: again\n", 8, "given twice"),
        (GOOD + "seeds: [a]\n", 8, "whole number"),
        (GOOD + "seeds: 3\n", 8, "must be a list"),
        (GOOD + "seeds: [0, 0]\n", 8, "given twice"),
        (GOOD + "protocol: !!python/object:os.system x\n", 8, "not allowed"),
        (GOOD + "protocol: !mine x\n", 8, "not allowed"),
        (GOOD + "protocol: [uint8]\n", 8, "must be one value"),
        (GOOD + "track: [audio]\n", 8, "must be one value"),
        (GOOD.replace("timeout: 10m", "timeout: soon"), 5, "limits.timeout must be a time"),
        (GOOD.replace("timeout: 10m", "tiemout: 1"), 5, "did you mean 'timeout'"),
        (GOOD.replace("64x32", "64x"), 6, "256x256"),
        (GOOD.replace("8GiB", "99999999999999999999GiB"), 5, "limits.memory must be an amount of memory, such as"),
        (GOOD.replace("8GiB", "9" * 401), 5, "of at most 2**60 bytes, not 9"),
        (GOOD.replace("8GiB", "8GiB, threads: 4097"), 5, "limits.threads must be a whole number from 1 to 4096"),
        (GOOD.replace("8GiB", "8GiB, threads: 0"), 5, "limits.threads must be a whole number from 1"),
        (GOOD + f"seeds: [1{'0' * 5000}]\n", 8, "seeds cannot be read (Exceeds the limit (4300 digits)"),
        (GOOD.replace("sample", "2024-13-45"), 7, "keep cannot be read (month must be in 1..12)"),
        (GOOD + f"seeds: [{2**63}]\n", 8, f"seeds must be a whole number from 0 to {2**63 - 1}, not {2**63}"),
        (GOOD + f"limit: {2**63}\n", 8, f"limit must be a whole number from 1 to {2**63 - 1}, not {2**63}"),
        (GOOD + "metrics: [!!timestamp xx]\n", 8, "metrics is no timestamp: leave its tag out"),
        (GOOD + 'plugins: ["a\\0b.py"]\n', 8, "plugins holds a NUL, which no name and no path can"),
        (GOOD + "metrics: [!!float '']\n", 8, "metrics is no float"),
        (GOOD + "metrics: [!!bool 5]\n", 8, "metrics is no bool"),
        (GOOD + "metrics: [!!binary a]\n", 8, "metrics is no binary"),
        (GOOD + "seeds: []\n", 8, "seeds is empty: list at least one, or leave it out"),
        (GOOD + "metrics: []\n", 8, "metrics is empty: list at least one, or leave it out"),
        (GOOD + "a: [\n", 9, "not YAML"),
        ("- a\n", 1, "mapping"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path, text, line, words):
    with pytest.raises(UsageError) as caught:
        read_suite(write(tmp_path, text))
    message = str(caught.value)
    assert f"s.yaml:{line}:" in message and words in message and "\n" not in message


def test_a_spec_that_means_nothing_is_named_with_file_and_line(tmp_path, cli):
    write(tmp_path, GOOD.replace("sigma=25", "sigma=twenty"))
    refused = cli("run", "s.yaml", "--dry-run", code=2).stderr
    assert "s.yaml:4: regime 'gaussian': sigma " in refused and "number" in refused
    said = cli("run", "s.yaml", "--dry-run", "--regimes", "gaussian(sigma=thirty)", code=2).stderr
    assert "noisebench run: regime 'gaussian': sigma must be" in said


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match="datasets is missing"):
        read_suite(write(tmp_path, "methods: [identity]\nregimes: [none]\n"))
    with pytest.raises(UsageError, match="empty"):
        read_suite(write(tmp_path, ""))
    with pytest.raises(UsageError, match="UTF-8"):
        path = tmp_path / "b.yaml"
        path.write_bytes(b"\xff\xfe\x00")
        read_suite(path)
    with pytest.raises(UsageError, match="rank_by"):
        read_suite(write(tmp_path, GOOD + "metrics: [psnr]\nrank_by: lpips\n"))


def test_times_and_sizes():
    assert (seconds("90s"), seconds(600), seconds("2h")) == (90, 600, 7200)
    assert (size_bytes("512MiB"), size_bytes(2), size_bytes("0.5")) == (512 << 20, 2 << 30, 1 << 29)
    assert (input_size("481x321"), input_size(1000)) == ((481, 321), (1000,))
    for wrong in ("0", "-1", "x", "", True):
        with pytest.raises(ValueError):
            seconds(wrong)
    assert size_bytes(1 << 30) == 1 << 60
    for wrong in ("0", "-1", "x", "", True, "99999999999999999999GiB", "9" * 401):
        with pytest.raises(ValueError, match="an amount of memory"):
            size_bytes(wrong)


def test_every_suite_of_the_package_names_what_there_is():
    assert "demo" in named_suites()
    for path in named_suites().values():
        suite = read_suite(path)
        assert bind_all(suite.methods, "method", suite.track), path
        for kind, specs in (("dataset", suite.datasets), ("regime", suite.regimes), ("metric", suite.metrics)):
            bind_all(specs, kind, suite.track)
