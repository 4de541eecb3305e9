"""Is the process alive, and can it work?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

log = structlog.get_logger("edge.health")
SECONDS = 2
Check = Callable[[], Awaitable[object]]


async def healthz(_request: Request) -> Response:
    """Alive: the event loop turns."""
    return PlainTextResponse("ok\n")


async def readiness(checks: Mapping[str, Check], *, maintenance: bool = False) -> Response:
    """Able to work: every check answers within two seconds. Says which does not, but not why: that is in the log.

    A process in `maintenance` answers queries, and is as ready as ever; it says so besides.
    """
    results = await asyncio.gather(*(_answers(name, check) for name, check in checks.items()))
    states = {name: "ok" if fine else "down" for name, fine in zip(checks, results, strict=True)}
    told = {**states, "maintenance": "on"} if maintenance else states
    return JSONResponse(told, status_code=200 if all(results) else 503)


async def _answers(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever a service fails with, it is not ready
        log.warning("not ready", service=name, error=repr(error))
        return False
    return True
