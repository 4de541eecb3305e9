"""Signs of life: each process touches `<WORK_DIR>/<name>.alive` while its event loop and the database answer.

Health checks look how old the file is (`compose.yaml`).
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from models.database import raw_connection
from workers.outages import OUTAGES

BEAT_SECONDS = 2


async def beat(work_dir: Path, name: str) -> NoReturn:
    """Touches the file of `name` for ever."""
    while True:
        with suppress(OSError, *OUTAGES):
            async with raw_connection() as connection:
                await connection.execute("SELECT 1")
            _touch(work_dir, name)
        await asyncio.sleep(BEAT_SECONDS)


def _touch(work_dir: Path, name: str) -> None:
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (work_dir / f"{name}.alive").touch()
