"""What the processes of a product have logged that they should not have had to."""

import json
from collections.abc import Iterator

from tests.studio import Studio

SURPRISED = ("Traceback", '"level":"error"', '"level":"critical"')
"""What lines look like that tell of a fault of ours."""


class Logs:
    """Of some processes by name, from now on: what was logged before may be what another test has provoked."""

    def __init__(self, studio: Studio, *names: str) -> None:
        self._studio = studio
        self._read = {name: len(studio.log(name)) for name in names}

    def surprises(self) -> Iterator[tuple[str, str]]:
        """Since the last look: the gist of each and the whole line."""
        for name, read in self._read.items():
            told = self._studio.log(name)
            for line in told[read:].splitlines():
                if any(sign in line for sign in SURPRISED):
                    yield f"{name} logged {_gist(line)}", line
            self._read[name] = len(told)


def _gist(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line[:200]
    return f"{entry.get('event')}: {str(entry.get('exception', '')).strip().rpartition(chr(10))[2][:300]}"
