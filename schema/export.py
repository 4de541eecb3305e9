"""`python -m schema.export`: writes what is made of the schema; with `--check` it only compares.

That is `schema.graphql`, and `docs/permissions.md`.
"""

import asyncio
import sys
from pathlib import Path

from models.database import NOWHERE, database
from schema.permissions import guide
from schema.root import build_schema

_ROOT = Path(__file__).parent.parent
SNAPSHOT, GUIDE = _ROOT / "schema.graphql", _ROOT / "docs" / "permissions.md"


async def _written() -> dict[Path, str]:
    async with database(NOWHERE):
        schema = build_schema()
        return {SNAPSHOT: schema.as_str() + "\n", GUIDE: guide(schema)}


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where a file is not today's."""
    for path, text in asyncio.run(_written()).items():
        if arguments != ["--check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            name = path.relative_to(_ROOT)
            sys.exit(f"{name} is not what the code offers: run `make schema` and read the difference.")


if __name__ == "__main__":
    main(sys.argv[1:])
