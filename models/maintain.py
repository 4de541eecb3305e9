"""`python -m models.maintain on|off|status`: for a while nothing can be changed, by whatever process, until `off`.

Works while everything runs, and survives restarts. See docs/operating.md.
"""

import asyncio
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime, timedelta

from domain.clock import utc_now
from domain.jobs import JobState
from domain.maintenance import Notice, length
from models import Job, Maintenance
from models.database import database, raw_connection, require_database
from models.maintenance import LOOK_SECONDS

HEARD_SECONDS = 2 * LOOK_SECONDS
"""After so long every process has looked."""
PATIENCE_SECONDS = 30
"""For changes that were being made then: none of their statements may take longer than ten."""
_CHANGING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'video-creator'
AND xact_start < $1 AND pid <> pg_backend_pid()
"""


async def maintain(url: str, wish: Namespace) -> str:
    """Does what is wished in the database at `url`, and answers what to say. Raises NoDatabase."""
    async with database(url, connections=1):
        await require_database()
        match wish.what:
            case "on":
                return await _on(Notice(wish.message, utc_now() + wish.time if wish.time else None))
            case "off":
                return "Over: changes are taken again." if await Maintenance.end() else "There was no maintenance."
        return await _status()


async def _on(notice: Notice) -> str:
    await Maintenance.begin(notice)
    await asyncio.sleep(HEARD_SECONDS)
    left = await _changes_under_way()
    if left:
        return f"Nothing new is changed any more, but {left} changes that began before have not ended."
    return f"Nothing is changed by clients any more. {await _status()}"


async def _changes_under_way() -> int:
    """How many are still not done after they have been waited for."""
    async with raw_connection() as connection:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")  # by the clock that they began by
    left = 0
    for waited in range(PATIENCE_SECONDS):
        async with raw_connection() as connection:
            left = int(await connection.fetchval(_CHANGING, now))
        if not left:
            break
        if not waited:
            sys.stderr.write(f"Waiting for changes that have begun: {left}.\n")
        await asyncio.sleep(1)
    return left


async def _status() -> str:
    row = await Maintenance.running()
    if row is None:
        return "There is no maintenance."
    jobs = await Job.filter(state=JobState.RUNNING).count()
    until = f", likely until {row.until:%Y-%m-%d %H:%M:%S} UTC" if row.until else ""
    said = f" People are told: {row.message}" if row.message else ""
    return f"Maintenance since {row.began_at:%Y-%m-%d %H:%M:%S} UTC{until}; jobs still running: {jobs}.{said}"


def parsed(arguments: list[str] | None = None) -> Namespace:
    """What the command line wishes; ends the process where it wishes nothing sound."""
    parser = ArgumentParser(prog="python -m models.maintain", description=__doc__)
    wishes = parser.add_subparsers(dest="what", required=True)
    on = wishes.add_parser("on", help="refuse changes; where they are refused already, tell people something else")
    on.add_argument("--message", default="", help="what people are told, as it is; else a sentence in their language")
    on.add_argument("--for", dest="time", type=_time, metavar="10m", help="how long it is likely to take (s, m, h, d)")
    wishes.add_parser("off", help="take changes again")
    wishes.add_parser("status", help="say how it stands")
    return parser.parse_args(arguments)


def _time(text: str) -> timedelta:
    try:
        return length(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def main() -> None:
    """The command."""
    from settings import load, run

    wish = parsed()
    sys.stdout.write(run(maintain(load().session_url, wish)) + "\n")


if __name__ == "__main__":
    main()
