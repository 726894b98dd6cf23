"""The command line: one file a verb. Errors are one line, exit code 2."""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

VERBS = (
    "run", "study", "list", "report", "compare", "check", "trend", "score", "explain", "reproduce", "why", "doctor",
    "data", "weights", "store", "export", "site", "pack", "verify", "challenge", "court", "certify",
    "plan-size", "completion",
)  # fmt: skip

_EXAMPLES = """examples:
  noisebench run demo                                  the demonstration suite, into ./nb-store
  noisebench run --methods nlm --datasets photos --regimes "gaussian(sigma=25)"
  noisebench report nb-store --to board                ranked boards, tables and plots
  noisebench list methods                              what there is to run

exit codes: 0 fine, 1 something failed, 2 usage, 130 stopped by Ctrl-C or SIGTERM"""


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the nearest option to one that is none."""

    _mixing = False
    """Whether the words of a verb are read once more, with options among them."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse has it; what a verb does not know is an error of that verb, not of the program."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if not unknown or self._subparsers is not None or self._mixing:
            return parsed, unknown
        if not any(word.startswith("-") for word in unknown):
            # An optional word behind an option, `why STORE --json FILTER`: argparse took it to be left out.
            self._mixing = True
            parsed, unknown = self.parse_known_intermixed_args(args)
            self._mixing = False
        if unknown:
            from ..text.errors import closest, one_line

            named = unknown[0].partition("=")[0]
            near = closest(named, self._option_string_actions) if named.startswith("--") else ""
            hint = f" (did you mean {near!r}?)" if near else ""
            self.error(f"unrecognized arguments: {one_line(' '.join(unknown), 200)}{hint}")
        return parsed, unknown

    def print_help(self, file: Any = None) -> None:
        """Write the help out; argparse would pass over an output that cannot be written."""
        print(self.format_help(), end="", file=file, flush=True)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is, no word at any length; exit code 2."""
        from ..text.errors import one_line

        words = " ".join(one_line(word, 200) for word in message.split())
        self.exit(2, f"{self.prog}: {words}: see `{self.prog} --help`\n")


def parser(names: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """The parser of these verbs."""
    from .options import HelpFormatter

    top = OneLineParser(
        prog="noisebench",
        description="Benchmark and evaluation of image restoration under noise.",
        epilog=_EXAMPLES,
        formatter_class=HelpFormatter,
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for verb in names:
        importlib.import_module(f".{verb.replace('-', '_')}", __name__).add(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    from ..data.disk import FULL, DiskFull
    from ..text.errors import UsageError, one_line
    from ..text.extras import absent_extra, needs_packages

    first = (sys.argv[1:] if argv is None else argv)[:1]
    top = parser(first) if first and first[0] in VERBS else parser()  # the other verbs take 30 ms
    if "_ARGCOMPLETE" in os.environ:
        from .completion import complete

        complete(top)
    args = argparse.Namespace(verb=None, stopped="nothing was begun")
    try:
        code = _run(top, argv, args)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"{_who(args)}: {one_line(error, 10_000)}", file=sys.stderr)
        return 2
    except DiskFull as error:
        print(f"{_who(args)}: {one_line(error, 2000)}", file=sys.stderr)
        return 1 if args.verb in ("run", "study", "reproduce") else 2  # in check, 1 is a regression and nothing else
    except KeyboardInterrupt:
        print(f"\n{_who(args)}: stopped: {args.stopped}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _drop_output()
        return 0
    except Exception as error:
        if package := absent_extra(error):
            print(f"{_who(args)}: {needs_packages([package])}", file=sys.stderr)
            return 2
        # A full disk under a store is `DiskFull`: what is full here is where stdout leads.
        if isinstance(error, OSError) and error.errno in FULL and not error.filename:
            _drop_output()
            print(f"{_who(args)}: the output cannot be written: {error.strerror}", file=sys.stderr)
            return 2
        if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP) and error.filename:
            print(f"{_who(args)}: {one_line(error.filename, 80)}: {error.strerror}: name another path", file=sys.stderr)
            return 2
        if os.environ.get("NOISEBENCH_DEBUG"):
            raise
        cause = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else repr(error)
        print(
            f"{_who(args)}: this should not have happened, please report it: {one_line(cause, 300)} "
            "(NOISEBENCH_DEBUG=1 shows where)",
            file=sys.stderr,
        )
        return 2


def _run(top: argparse.ArgumentParser, argv: Sequence[str] | None, args: argparse.Namespace) -> int:
    """Read the words into `args` and do what they ask; returns the exit code."""
    top.parse_args(argv, args)
    if args.version:
        from .. import __version__

        print(f"noisebench {__version__}")
        return 0
    if args.verb is None:
        top.print_help()
        return 2
    return int(args.run(args))


def _who(args: argparse.Namespace) -> str:
    return f"noisebench {args.verb}" if args.verb else "noisebench"


def _drop_output() -> None:
    """Let stdout lead nowhere: what it holds back cannot be written, and Python tries again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ready_streams() -> None:
    """Have stdout and stderr take every text: a character that one lacks is `?`, and a closed one leads nowhere."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def entry() -> None:
    """Where the `noisebench` command starts."""
    _ready_streams()
    # What a scheduler sends before it ends a job is met as Ctrl-C is: with a word, and nothing lost.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A verb holds what it reads to its end: seldom is often enough to search all of that for cycles.
    gc.set_threshold(100_000, 50, 50)
    try:
        code = main()
    except KeyboardInterrupt:  # before a verb could say what is kept
        print("\nnoisebench: stopped", file=sys.stderr)
        code = 130
    if code == 130:  # what is on its way out is not stopped again: a second signal would change its exit code
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(code)
