"""One side of a comparison in a process of its own: `python -m grok_tui.bench.worker MODULE:CLASS OPTIONS`.

OPTIONS is a JSON object. Every line on its input is [method, argument...]; it answers with the seconds that the call
took and what it returned, and does nothing in between.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from time import perf_counter


def main(target: str, options: str) -> None:
    """Build the side, then answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else is printed
    module, _, name = target.partition(":")
    if module.endswith(".ours"):
        importlib.import_module("grok_tui.engine")  # before torch, whose threads read once what it sets
    side = getattr(importlib.import_module(module), name)(**json.loads(options))
    print(json.dumps({"seconds": 0.0, "value": None}), file=answers)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        begin = perf_counter()
        value = getattr(side, method)(*arguments)
        print(json.dumps({"seconds": perf_counter() - begin, "value": value}), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
