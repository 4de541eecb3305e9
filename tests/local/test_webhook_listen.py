"""The receiver of `make webhook-listen` shows what has come, and whether it is from us."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from domain.webhooks.signatures import new_secret, signed_headers
from gateways.outbound import Answer, Outgoing, Rules, open_sender
from local.programs import ROOT
from local.webhook_listen import verdict
from tests.gateways.receivers import Trap
from tests.guide import DOCS, blocks

SECRET = new_secret()
BODY = '{"type": "video.published", "title": "Grüße"}'.encode()

RIGHT = "{the right one}"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.webhook_listen", "--port", "0", *arguments]


class Listening:
    """A receiver that runs, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._lines = process.stdout
        self.said = self._lines.readline()
        self.url = self.said.split(" ")[0]

    def next(self) -> list[str]:
        """The lines about one delivery."""
        return list(iter(lambda: self._lines.readline().rstrip("\n"), ""))

    async def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        async with open_sender(Rules(loopback=True, seconds=30)) as sender:
            return await sender.send(Outgoing(self.url, body, headers))


@contextmanager
def listening(*arguments: str) -> Iterator[Listening]:
    with subprocess.Popen(command(*arguments), cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        try:
            yield Listening(process)
        finally:
            process.kill()


def signed(secret: str = SECRET, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    moment = datetime.now(UTC) if at is None else at
    return signed_headers([secret], message_id="evt_1", at=moment, body=body, event_type="video.published")


async def test_a_delivery_is_shown() -> None:
    with listening("--secret", SECRET) as receiver:
        assert receiver.said.startswith("http://localhost:")
        assert (await receiver.send(BODY, signed())).status == 204
        head, signature, *body = receiver.next()
        assert head == "--- video.published  evt_1  attempt 1"
        assert signature == "signature: right"
        assert body == ["{", '  "type": "video.published",', '  "title": "Grüße"', "}"]
        await receiver.send(BODY, signed())
        assert receiver.next()[0].endswith("attempt 2")


async def test_it_answers_what_it_is_told_to() -> None:
    with listening("--answer", "500") as receiver:
        assert (await receiver.send(b"\xff no JSON", {})).status == 500
        assert receiver.next() == [
            "--- without a type  without an id  attempt 1",
            "signature: not looked at",
            r"no JSON: b'\xff no JSON'",
        ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "right"),
        ({"webhook-signature": f"v1,AAAA {RIGHT}"}, "right"),
        ({"webhook-signature": "v1,AAAA"}, "WRONG: webhook-signature is by another secret"),
        ({"webhook-signature": "ä\udce4"}, "WRONG: webhook-signature is by another secret"),
        ({"webhook-id": "evt_2"}, "WRONG: webhook-signature is by another secret"),
        ({"webhook-timestamp": "soon"}, "WRONG: webhook-timestamp is missing"),
        ({"webhook-timestamp": "9" * 30}, "WRONG: webhook-timestamp is missing"),
        ({"x-webhook-signature": "sha256="}, "right; X-Webhook-Signature is by another secret"),
    ],
)
def test_whether_a_signature_is_right(change: dict[str, str], said: str) -> None:
    now = datetime.now(UTC)
    headers = {name.lower(): value for name, value in signed(at=now).items()}
    changed = {name: value.replace(RIGHT, headers["webhook-signature"]) for name, value in change.items()}
    assert verdict(SECRET, headers | changed, BODY, now).startswith(said)


def test_an_old_signature_is_not_right() -> None:
    now = datetime.now(UTC)
    headers = {name.lower(): value for name, value in signed(at=now - timedelta(minutes=6)).items()}
    assert verdict(SECRET, headers, BODY, now).startswith("WRONG: it was signed 0:06:")


@pytest.mark.parametrize("arguments", [("--secret", "whsec_short"), ("--answer", "99"), ("--port", "http")])
def test_what_it_cannot_do_it_says(arguments: tuple[str, str]) -> None:
    ran = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert f"argument {arguments[0]}: " in ran.stderr


def test_a_port_that_is_taken_is_a_sentence() -> None:
    trap = Trap()
    ran = subprocess.run(
        command("--port", str(trap.port)), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stderr == f"Nobody can listen at port {trap.port}: Address already in use.\n"
    trap.close()


def test_make_starts_it_as_the_guide_says() -> None:
    (shown,) = [block.text for block in blocks(DOCS / "webhooks.md") if block.kind == "sh"]
    ran = subprocess.run(
        [*shown.split(), "ANSWER=500", "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 'local.webhook_listen --port "9000" --secret "whsec_…" --answer "500"' in ran.stdout
