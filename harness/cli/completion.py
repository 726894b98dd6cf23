"""`noisebench completion`: what a shell runs to complete verbs, options and the names of components."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .options import add_shared, print_json, verb

SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = """  noisebench completion bash
  eval "$(noisebench completion bash)"                          in ~/.bashrc
  eval "$(noisebench completion zsh)"                           in ~/.zshrc, behind compinit
  noisebench completion fish > ~/.config/fish/completions/noisebench.fish"""

Completer = Callable[..., Iterable[str]]


def add(verbs: Any) -> None:
    p = verb(verbs, "completion", "print what makes a shell complete verbs, options and names", _EXAMPLES, run)
    p.add_argument("shell", choices=SHELLS, help="which shell it is for")
    add_shared(p, "json")


def run(args: argparse.Namespace) -> int:
    """Print the code of one shell."""
    from argcomplete.shell_integration import shellcode

    code = shellcode(["noisebench"], shell=args.shell)
    if args.json:
        print_json({"shell": args.shell, "code": code})
    else:
        print(code)
    return 0


def complete(top: argparse.ArgumentParser) -> None:
    """Answer the shell that asks for completions of a command line, and end the process; nothing heavy is imported."""
    from argcomplete import autocomplete

    for parser in _parsers(top):
        for action in parser._actions:
            if completer := _COMPLETERS.get(action.dest):
                action.completer = completer  # type: ignore[attr-defined]
    autocomplete(top)


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)


def _components(kind: str) -> Completer:
    """The names of a kind, of the track that the command line names; by file name, nothing is imported for them."""

    def names(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
        from ..components.registry import registry

        return registry(kind, getattr(parsed_args, "track", None) or "restore").names()

    return names


def _tracks(**_: Any) -> list[str]:
    from ..components.registry import registry

    return registry("track", "").names()


def _suites(prefix: str, **_: Any) -> list[str]:
    from argcomplete.completers import FilesCompleter

    from ..suite.suite import named_suites

    return [*named_suites(), *FilesCompleter(("yaml", "yml"))(prefix)]


def _named(parsed_args: argparse.Namespace, **rest: Any) -> Iterable[str]:
    """The names of the kind that `list` or `data` or `reproduce` is asked for."""
    kind = getattr(parsed_args, "kind", None)
    if parsed_args.verb == "data":
        return _components("dataset")(parsed_args, **rest)
    if parsed_args.verb == "reproduce":
        return _claims()
    if kind == "tracks":
        return _tracks()
    if kind == "suites":
        from ..suite.suite import named_suites

        return list(named_suites())
    if kind == "systems" or kind is None:
        return []
    return _components(kind.removesuffix("s"))(parsed_args)


def _claims() -> list[str]:
    from ..claims.effects import all_claims

    return [claim.name for claim in all_claims()]


def _variants(**_: Any) -> list[str]:
    from .certify import VARIANTS

    return [*VARIANTS]


_COMPLETERS: dict[str, Completer] = {
    "against": _variants,
    "methods": _components("method"),
    "method": _components("method"),
    "datasets": _components("dataset"),
    "regimes": _components("regime"),
    "regime": _components("regime"),
    "metrics": _components("metric"),
    "protocol": _components("protocol"),
    "track": _tracks,
    "suite": _suites,
    "study": _suites,
    "name": _named,
    "names": _named,
}
"""By the name of an option or argument; what is not here completes files, or its choices."""
