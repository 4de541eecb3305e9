"""A browser without a screen, where there is Chromium on the machine, by its DevTools protocol."""

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.waiting import until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    *("--headless=new", "--disable-gpu", "--no-proxy-server", "--no-first-run", "--remote-debugging-port=0"),
    *("--no-sandbox", "--disable-dev-shm-usage"),  # neither may be had in a container; it sees pages of ours alone
)


class Tab:
    """The one page that is open."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._numbers = connection, count(1)
        self.complaints: list[str] = []
        """What the browser has found fault with."""

    async def open(self, url: str) -> None:
        await self._do("Log.enable")
        await self._do("Page.navigate", url=url)

    async def value(self, script: str) -> Any:
        """What an expression comes to, awaited if it is a promise."""
        told = await self._do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def _do(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(await self._connection.recv())
            if message.get("method") == "Log.entryAdded":
                self.complaints.append(message["params"]["entry"]["text"][:200])
            if message.get("id") == number:
                return message["result"]


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """A new browser that keeps what it keeps in `folder`."""
    assert CHROMIUM is not None
    argv = [CHROMIUM, *OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=DEVNULL, stderr=DEVNULL)
    try:
        port = folder / "DevToolsActivePort"
        await until(lambda: port.exists() and "\n" in port.read_text(), 30)
        async with httpx.AsyncClient(trust_env=False) as http:
            targets = (await http.get(f"http://127.0.0.1:{port.read_text().split()[0]}/json")).json()
        (address,) = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
        async with connect(address, max_size=None, proxy=None) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        await process.wait()
