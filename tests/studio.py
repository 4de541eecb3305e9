"""The whole product, running for real, for the tests that speak to it over the wire."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from redis.asyncio import Redis

from local.processes import Command, start, stop
from local.programs import ROOT
from tests.nursery import Child, born
from tests.pseudo import UNTRANSLATED

WORKERS = ("relay", "media", "io")
AT_START = {"PYTHONPROFILEIMPORTTIME"}
"""Variables that Python reads when it starts: where they are given, a process is started, not born."""
SECRET_KEY = "a key for tests alone, 32 characters or more"


class Studio:
    """One database, one Redis, one folder, one listening socket, and the processes of the product around them."""

    def __init__(self, folder: Path, database_url: str, redis_url: str, **settings: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.redis_url = redis_url
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        # Connections inherit it; an API that makes its own socket sets it itself.
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.processes: dict[str, Child | subprocess.Popen[bytes]] = {}
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONWARNINGS": "default",
            "ENVIRONMENT": "production",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "STORAGE_URL": f"file:{folder / 'storage'}",
            "SMTP_URL": f"mailbox:{folder / 'mailbox'}",
            "SECRET_KEY": SECRET_KEY,
            "PUBLIC_URL": self.url,
            "WORK_DIR": str(folder / "work"),
            "UPLOAD_PART_BYTES": str(5 * 1024**2),
            **settings,
        }

    @property
    def mailbox(self) -> Path:
        """Where mails end up, one file each."""
        return self.folder / "mailbox"

    @property
    def storage(self) -> Path:
        """Where the local store keeps its objects."""
        return self.folder / "storage"

    def start(self, *names: str) -> None:
        """Starts processes by name: `api`, `relay`, `media`, `io`; another of a kind as `media2`."""
        for name in names:
            self.processes[name] = self._born(name)

    def stop(self, name: str) -> None:
        """Asks a process to end and waits until it has."""
        stop(self.processes.pop(name), signal.SIGTERM, 15)

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    async def forget_tries(self) -> None:
        """All tests come from one address: none shall be throttled for what others have tried."""
        async with Redis.from_url(self.redis_url) as redis:
            if tries := [key async for key in redis.scan_iter("throttle*")]:
                await redis.delete(*tries)

    def log(self, name: str) -> str:
        """What a process has written so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_until_ready(self) -> None:
        """Returns when `/readyz` says so; fails, with the log, when the API has died."""
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.processes["api"].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the API did not come up:\n{self.log('api')[-4000:]}")
            time.sleep(0.02)

    def judge(self) -> None:
        """Fails where it has done what no test looks for by itself."""

    def close(self) -> None:
        """Ends everything that was started."""
        with ThreadPoolExecutor() as stopping:  # each takes its time
            list(stopping.map(self.stop, list(self.processes)))
        self.listener.close()

    def _born(self, name: str) -> Child | subprocess.Popen[bytes]:
        kind = name.rstrip("0123456789")
        module, *arguments = self._api() if kind == "api" else [f"workers.{kind}"]
        keeps = self.listener.fileno() if kind == "api" else -1
        log = self.folder / f"{name}.log"
        if self.environment.keys() & AT_START:
            kept = (keeps,) if keeps >= 0 else ()
            argv = (sys.executable, "-m", module, *arguments)
            return start(Command(argv=argv, folder=ROOT, log=log, environment=self.environment, kept_open=kept))
        return born(module, *arguments, environment=self.environment, folder=ROOT, log=log, keeps=keeps)

    def _api(self) -> list[str]:
        from local.programs import API_OPTIONS

        return ["uvicorn", "app:create_app", *API_OPTIONS, "--fd", str(self.listener.fileno())]


class Disguised(Studio):
    """A product whose API says everything in disguised English, which it takes off at the end: `tests/pseudo.py`."""

    def _api(self) -> list[str]:
        return ["tests.pseudo:create_app" if word == "app:create_app" else word for word in super()._api()]

    def judge(self) -> None:
        """Whatever was said to people has come from the catalogs."""
        assert UNTRANSLATED not in self.log("api")


@contextmanager
def running(studio: Studio, *names: str) -> Iterator[Studio]:
    """The studio with these processes, until the end of the block."""
    try:
        studio.start(*names)
        if "api" in names:
            studio.wait_until_ready()
        yield studio
        studio.judge()
    finally:
        studio.close()
