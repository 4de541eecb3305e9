"""`make run` and `make demo` as people use them: the real commands, from an empty folder to Ctrl-C and back."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from domain.ids import new_id
from local.client import Client
from local.folders import scratch_root
from local.processes import Command, start, stop
from local.programs import ROOT
from local.redis import EmbeddedRedis
from tests import clips, services
from tests.waiting import until

SIGN_IN = re.compile(r"^  (owner|editor|viewer) +(\S+@\S+) +(\S+)$", re.MULTILINE)
READY = re.compile(r"^Video Creator runs at (\S+) \(ready after ([\d.]+) s\)\.$", re.MULTILINE)
SERVICES = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SMTP_URL")
SECOND_START_SECONDS = 15
"""On a quiet machine it takes less than 5; this one may be shared."""


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder that is found in the arguments, environment or working directory of whatever uses it."""
    with tempfile.TemporaryDirectory(prefix="make-run-", dir=scratch_root()) as folder:
        yield Path(folder)


class Run:
    """One `make run`, and what it has said."""

    def __init__(self, data: Path, **given: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        self.data = data
        self.output = data.with_name(f"said-{port}.txt")
        environment = {name: value for name, value in os.environ.items() if name not in SERVICES}
        self.process = start(
            Command(
                argv=(sys.executable, "-m", "local.run", "--data", str(data)),
                folder=ROOT,
                log=self.output,
                environment=environment | {"PORT": port} | given,
                death_signal=signal.SIGINT,
            )
        )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def url(self) -> str:
        return READY.findall(self.said)[0][0]

    @property
    def seconds(self) -> float:
        """How long it took, by its own account."""
        return float(READY.findall(self.said)[0][1])

    async def ready(self) -> None:
        """Returns once it has said that everything runs."""
        await until(lambda: "Ctrl-C stops everything" in self.said or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.said

    async def interrupt(self) -> None:
        """Ctrl-C: it ends well, and everything that it started has ended before it."""
        assert self.process.pid in processes_of(self.data), "the search below would find nothing"
        self.process.send_signal(signal.SIGINT)
        code = await asyncio.to_thread(self.process.wait, 20)
        assert (code, self.said.splitlines()[-1]) == (0, "Stopped.")
        assert processes_of(self.data) == {}

    async def people(self) -> dict[str, Client]:
        """Everybody whose sign-in was printed, signed in with it."""
        clients = {}
        for role, email, password in SIGN_IN.findall(self.said):
            clients[role] = Client(self.url)
            await clients[role].sign_in(email, password)
        return clients

    async def demo(self, file: Path) -> tuple[int, str]:
        """`make demo FILE=…`: its exit code, and what it showed."""
        command = [sys.executable, "-m", "local.demo", str(file), "--url", self.url, "--data", str(self.data)]
        options: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = await asyncio.to_thread(subprocess.run, command, **options, timeout=60, check=False)
        return done.returncode, done.stdout


@contextmanager
def make_run(data: Path, **given: str) -> Iterator[Run]:
    """A running `make run`, which is ended with the block if the block has not ended it."""
    run = Run(data, **given)
    try:
        yield run
    finally:
        stop(run.process, signal.SIGINT, 20)


def processes_of(data: Path) -> dict[int, str]:
    """Every process that has to do with the folder: what it was started as."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            traces = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
            place = os.readlink(process / "cwd")  # noqa: PTH115 - it may not exist any more
        except OSError:
            continue  # it has just ended, or is none of ours
        if str(data).encode() in b"".join(traces) or place.startswith(str(data)):
            found[int(process.name)] = traces[0].replace(b"\0", b" ").decode(errors="replace")
    return found


def names(processes: dict[int, str]) -> set[str]:
    return {Path(command.split(" ")[0]).name for command in processes.values()}


async def versions(client: Client) -> dict[str, int]:
    """How many versions each video of the person's team has."""
    team = (await client.do("Viewer"))["memberships"]["nodes"][0]["team"]["id"]
    library = await client.do("Library", teamId=team, first=50)
    return {edge["node"]["title"]: edge["node"]["versionCount"] for edge in library["videos"]["edges"]}


async def check_people(people: dict[str, Client], expected: dict[str, int]) -> None:
    """Each has the role that was printed, and all see the same library."""
    assert sorted(people) == ["editor", "owner", "viewer"]

    async def everything_is_there() -> bool:
        return await versions(people["viewer"]) == expected

    await until(everything_is_there, 30)
    for role, client in people.items():
        (place,) = (await client.do("Viewer"))["memberships"]["nodes"]
        assert (place["role"], place["team"]["name"]) == (role.upper(), "Demo team")
        assert await versions(client) == expected
        await client.http.aclose()


async def test_from_an_empty_folder_to_a_version_and_again(scratch: Path) -> None:
    data = scratch / "data"
    (scratch / "files").mkdir()
    good, bad = clips.mp4(scratch / "files"), clips.text(scratch / "files")
    with make_run(data) as first:
        await first.ready()
        await check_people(await first.people(), {"Sample clip": 1})
        assert {"postgres", "redis-server"} <= names(processes_of(data))
        code, shown = await first.demo(good)
        assert code == 0, shown
        for told in ("Version 1 of clip.mp4", "60 frames", "320 × 180, h264", "30000/1001", "aac", "/files/"):
            assert told in shown, shown
        code, shown = await first.demo(bad)
        assert (code, "NOT_MEDIA" in shown, "Traceback" in shown) == (1, True, False), shown
        code, shown = await first.demo(scratch / "missing.mp4")
        assert (code, shown) == (1, f"There is no file {scratch / 'missing.mp4'}.\n")
        await first.interrupt()
    code, shown = await first.demo(good)
    assert (code, "Traceback" in shown) == (1, False), shown
    assert shown.startswith(f"Nothing answers at {first.url}")

    with make_run(data) as second:
        await second.ready()
        print(f"ready again after {second.seconds} s")  # noqa: T201 - a figure to read, which a shared machine blurs
        assert second.seconds < SECOND_START_SECONDS
        assert SIGN_IN.findall(second.said) == SIGN_IN.findall(first.said)
        await check_people(await second.people(), {"Sample clip": 1, "clip": 1, "letter": 0})
        await second.interrupt()


async def test_services_whose_addresses_are_given_take_the_place_of_ours(scratch: Path) -> None:
    data = scratch / "data"
    data.mkdir(mode=0o700)
    shutil.move(clips.silent(scratch), data / "sample.mp4")  # a short one: what is there is not made again
    maintenance, name = services.where()["postgres"], f"given{new_id().hex}"
    connection = await asyncpg.connect(maintenance)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    database = maintenance.replace("/postgres?", f"/{name}?")
    with EmbeddedRedis(scratch / "redis", lasting=False) as redis:
        given = {"DATABASE_URL": database, "REDIS_URL": redis.url()}
        with make_run(data, **given) as run:
            await run.ready()
            await check_people(await run.people(), {"Sample clip": 1})
            assert names(processes_of(data)) & {"postgres", "redis-server"} == set()
            assert not {"postgres", "redis"} & {path.name for path in data.iterdir()}
            async with Redis.from_url(redis.url()) as client:
                assert len(await client.client_list()) > 1
            await run.interrupt()
    connection = await asyncpg.connect(database)
    people = {row["email"] for row in await connection.fetch("SELECT email FROM users")}
    await connection.close()
    assert people == {email for _, email, _ in SIGN_IN.findall(run.said)}
