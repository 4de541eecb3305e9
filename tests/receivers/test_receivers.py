"""The receivers of docs/webhooks.md, as they stand there, take what is sent by us, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.webhooks.faults import Fault
from domain.webhooks.signatures import new_secret, signed_headers
from gateways.outbound import Answer, Outgoing, Rules, Sender, open_sender
from tests.gateways.receivers import closed_port
from tests.guide import DOCS, blocks, prose
from tests.waiting import until

GUIDE = DOCS / "webhooks.md"
HERE = Path(__file__).parent
TSC = HERE / "node_modules" / ".bin" / "tsc"
PYTHON, ALONE = [block for block in blocks(GUIDE) if block.kind == "python"]
(TYPESCRIPT,) = [block for block in blocks(GUIDE) if block.kind == "ts"]
IN_NODE = [
    pytest.mark.skipif(shutil.which("node") is None, reason="There is no Node on this machine to run a receiver with."),
    pytest.mark.skipif(not TSC.exists(), reason="standardwebhooks is not installed: `make test` does it where npm is."),
]
SECONDS = 30


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How to start the receiver in Python."""
    file = tmp_path_factory.mktemp("receiver") / "receiver.py"
    file.write_text(PYTHON.text)
    return [sys.executable, "-I", str(file)]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How to start the receiver in TypeScript: it is judged, and made to be run, first."""
    folder = tmp_path_factory.mktemp("receiver")
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    (folder / "receiver.ts").write_text(TYPESCRIPT.text)
    judged = subprocess.run([TSC], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert judged.returncode == 0, judged.stdout
    return ["node", str(folder / "built" / "receiver.js")]


@pytest.fixture(params=["python", pytest.param("typescript", marks=IN_NODE)])
def command(request: pytest.FixtureRequest) -> list[str]:
    """Each receiver in turn."""
    return request.getfixturevalue(request.param)


@contextmanager
def running(command: list[str], secret: str, log: Path) -> Iterator[int]:
    """A receiver that knows a secret; its port."""
    port = closed_port()
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with log.open("w") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        try:
            yield port
        finally:
            process.kill()


class Told:
    """What is sent to one receiver."""

    def __init__(self, sender: Sender, port: int, log: Path) -> None:
        self._sender, self._port, self._log = sender, port, log

    def worked_on(self) -> list[str]:
        return [line for line in self._log.read_text().splitlines() if line.startswith("now ")]

    async def tell(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        return await self._sender.send(Outgoing(f"http://localhost:{self._port}/", body, headers))

    async def event(self, number: int, *secrets: str, at: datetime | None = None) -> Answer:
        body = event(number)
        return await self.tell(body, headers(number, *secrets, at=at, body=body))


def event(number: int) -> bytes:
    return json.dumps({"type": f"event.{number}", "title": "Grüße 👋"}, ensure_ascii=False).encode()


def headers(number: int, *secrets: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    moment = datetime.now(UTC) if at is None else at
    return signed_headers(secrets, message_id=f"evt_{number}", at=moment, body=body, event_type=f"event.{number}")


@asynccontextmanager
async def told(command: list[str], secret: str, folder: Path) -> AsyncIterator[Told]:
    """A receiver that listens by now."""
    with running(command, secret, folder / "log") as port:
        async with open_sender(Rules(loopback=True, seconds=SECONDS)) as sender:
            found = Told(sender, port, folder / "log")

            async def listens() -> bool:
                return (await found.tell(b"{}", {})).fault is not Fault.CONNECTION_REFUSED

            await until(listens, SECONDS)
            yield found


async def test_what_we_send_is_taken_once(command: list[str], tmp_path: Path) -> None:
    secret = new_secret()
    async with told(command, secret, tmp_path) as receiver:
        for number in (1, 2, 1, 1, 3):
            assert (await receiver.event(number, secret)).status == 204
        await until(lambda: len(receiver.worked_on()) >= 3, SECONDS)
        assert receiver.worked_on() == ["now event.1", "now event.2", "now event.3"]


async def test_what_was_changed_is_refused(command: list[str], tmp_path: Path) -> None:
    secret = new_secret()
    good = headers(1, secret, body=event(1))
    later = {"webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}
    async with told(command, secret, tmp_path) as receiver:
        answers = [
            await receiver.tell(event(2), good),
            await receiver.tell(event(1), good | {"webhook-id": "evt_2"}),
            await receiver.tell(event(1), good | later),
            await receiver.tell(event(1), {name: good[name] for name in good if name != "webhook-signature"}),
            await receiver.event(1, new_secret()),
        ]
        assert [answer.status for answer in answers] == [400] * 5
        assert (await receiver.tell(event(1), good)).status == 204


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_what_is_old_is_refused_and_what_is_ahead(command: list[str], tmp_path: Path, minutes: int) -> None:
    secret = new_secret()
    async with told(command, secret, tmp_path) as receiver:
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        assert (await receiver.event(1, secret, at=moment)).status == 400
        assert (await receiver.event(1, secret)).status == 204


async def test_a_rotation_is_seamless_for_who_knows_either_secret(command: list[str], tmp_path: Path) -> None:
    old, new = new_secret(), new_secret()
    for known, other in ((old, new), (new, old)):
        async with told(command, known, tmp_path) as receiver:
            assert (await receiver.event(1, new, old)).status == 204
            assert (await receiver.event(2, known)).status == 204
            assert (await receiver.event(3, other)).status == 400


def test_the_simple_signature_is_verified_without_a_library() -> None:
    known: dict[str, object] = {}
    exec(compile(ALONE.text, str(GUIDE), "exec"), known)
    is_ours, secret = known["is_ours"], new_secret()
    assert callable(is_ours)
    given = headers(1, secret, new_secret(), body=event(1))["X-Webhook-Signature"]
    assert is_ours(secret, event(1), given)
    assert not is_ours(secret, event(2), given)
    assert not is_ours(new_secret(), event(1), given)


def test_every_fault_is_told_of() -> None:
    text = prose(GUIDE)
    assert [fault.value for fault in Fault if f"`{fault.value}`" not in text] == []


def test_every_block_is_run_here_but_for_what_is_held_to_the_schema_elsewhere() -> None:
    assert [block.kind for block in blocks(GUIDE)] == ["graphql", "python", "ts", "python", "sh"]
