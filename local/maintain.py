"""Maintenance of what `make run` runs: `python -m local.maintain on|off|status`, behind `make maintenance`."""

import os
import sys

from local.errors import LocalError
from local.programs import ROOT, running_database
from models.maintain import maintain, parsed
from settings import run


def main() -> int:
    """Do what is wished in the database that the environment names, or in the one of `make run`."""
    wish = parsed()
    try:
        print(run(maintain(os.environ.get("DATABASE_URL") or running_database(ROOT / ".data"), wish)))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
