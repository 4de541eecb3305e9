"""`python -m schema.export`: writes `schema.graphql`; with `--check` it only compares."""

import asyncio
import sys
from pathlib import Path

from models.database import NOWHERE, database
from schema.root import build_schema

SNAPSHOT = Path(__file__).parent.parent / "schema.graphql"


async def _printed() -> str:
    async with database(NOWHERE):
        return build_schema().as_str() + "\n"


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where the snapshot is not today's schema."""
    printed = asyncio.run(_printed())
    if arguments == ["--check"]:
        if not SNAPSHOT.exists() or SNAPSHOT.read_text(encoding="utf-8") != printed:
            sys.exit("schema.graphql is not what the code offers: run `make schema` and read the difference.")
        return
    SNAPSHOT.write_text(printed, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
