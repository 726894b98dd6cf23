"""Try a method in a process of its own: `python -m noisebench.engine.examining OUT TRACK METHOD REGIME [PLUGIN…]`.

It appends JSON lines to the file OUT, one before and one after each check, so that whoever waits knows where a method
ended the process or hung.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import UsageError, one_line
from ..plan import refuse_unknown_needs
from ..registry import bind, load_plugin
from ..track import Examines, get_track
from .examination import examine_on_items


def main(out: str, track: str, method: str, regime: str, plugins: Sequence[str]) -> None:
    """The child: findings as JSON lines in the file `out`."""
    with Path(out).open("a", encoding="utf-8") as file:

        def tell(**line: Any) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()

        tell(trying="reading the method")
        try:
            for plugin in plugins:
                load_plugin(plugin)
            field_of_work = get_track(track)
            bound = bind(method, "method", track)
            refuse_unknown_needs(bound, field_of_work)
            if regime:
                bind(regime, "regime", track)
        except UsageError as error:
            tell(usage=one_line(error))
            return
        own = field_of_work.examine if isinstance(field_of_work, Examines) else partial(examine_on_items, field_of_work)
        for finding in own(bound, lambda name: tell(trying=name), regime):
            tell(finding=asdict(finding))
        tell(done=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
