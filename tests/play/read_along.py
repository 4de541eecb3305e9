"""Runs the Python of a guide in one session, as somebody who pastes block after block: a process of its own.

Takes each block as a line of JSON, `[first line, code]`, and answers with a line of JSON: what it has printed.
"""

import contextlib
import io
import json
import linecache
import sys

GUIDE = "the guide"
session: dict[str, object] = {"__name__": "__main__"}
for pasted in sys.stdin:
    line, code = json.loads(pasted)
    placed = "\n" * (line - 1) + code  # so that a traceback names the line of the guide
    linecache.cache[GUIDE] = (len(placed), None, placed.splitlines(keepends=True), GUIDE)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(placed, GUIDE, "exec"), session)  # this is what it is for
    print(json.dumps(said.getvalue()), flush=True)  # noqa: T201
