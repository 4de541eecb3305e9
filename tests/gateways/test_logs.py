"""Logs, as a process writes them."""

import json
import subprocess
import sys

import structlog

from gateways.logs import hide_secrets

PROGRAM = """
import logging, structlog
from gateways.logs import configure
configure("INFO", people=False)
structlog.contextvars.bind_contextvars(request_id="request-1")
structlog.stdlib.get_logger("ours").info("signed.in", password="hunter2", user="ada")
logging.getLogger("theirs").warning("it is %s", "late")
structlog.stdlib.get_logger("ours").debug("too.fine")
try:
    secret = "hunter2"
    raise ValueError("a fault")
except ValueError:
    structlog.stdlib.get_logger("ours").exception("went.wrong")
    logging.getLogger("theirs").exception("it went wrong")
"""


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr


def test_both_kinds_of_logger_write_the_same_json() -> None:
    ours, theirs, fault, also_fault = (json.loads(line) for line in run(PROGRAM).splitlines())
    assert (ours["event"], ours["user"], ours["level"], ours["logger"]) == ("signed.in", "ada", "info", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it is late", "warning", "theirs")
    assert ours["request_id"] == theirs["request_id"] == "request-1"
    for said in (fault, also_fault):
        assert "ValueError: a fault" in said["exception"]


def test_lines_that_are_written_plainly_look_like_the_others() -> None:
    asked = 'log.info("request", method="GET", ms=1.5, error=ValueError("x"))\n'
    usual, plain = 'log = structlog.get_logger("ours")\n', 'from gateways.logs import Plainly; log = Plainly("ours")\n'
    one, other = (json.loads(run(PROGRAM + made + asked).splitlines()[-1]) for made in (usual, plain))
    assert one.pop("timestamp")[:10] == other.pop("timestamp")[:10]
    assert one == other
    assert one["request_id"] == "request-1"
    for level, people, shown in (("WARNING", False, False), ("INFO", True, True), ("DEBUG", False, True)):
        program = PROGRAM.replace('"INFO", people=False', f'"{level}", people={people}') + plain + asked
        assert ("GET" in run(program).splitlines()[-1]) is shown


def test_no_secret_is_written_for_people_either() -> None:
    for program in (PROGRAM, PROGRAM.replace("people=False", "people=True")):
        assert "password" in run(program)
        assert "hunter2" not in run(program).replace('secret = "hunter2"', "")


def test_neither_a_query_nor_who_asks_is_written_with_an_address() -> None:
    """As uvicorn says it of each websocket, and of each request where its own log is on."""
    program = (
        PROGRAM
        + """
line = '%s - "WebSocket %s" [accepted]'
for name in ("uvicorn.error", "uvicorn.access"):
    logging.getLogger(name).info(line, "192.0.2.7:1", "/graphql?token=s3cret")
"""
    )
    lines = [json.loads(line)["event"] for line in run(program).splitlines()[-2:]]
    assert lines == ['client - "WebSocket /graphql" [accepted]'] * 2


def test_secrets_are_hidden_at_any_depth() -> None:
    entry = {"Set": [{"Authorization": "Bearer x"}], "token": "x", "user": {"Secret-Key": "x", "name": "ada"}}
    hidden = hide_secrets(structlog.get_logger(), "info", entry)
    assert hidden == {
        "Set": [{"Authorization": "[hidden]"}],
        "token": "[hidden]",
        "user": {"Secret-Key": "[hidden]", "name": "ada"},
    }


def test_what_json_can_hardly_say_is_written_all_the_same() -> None:
    program = PROGRAM + 'structlog.get_logger("ours").info("odd", half="\\ud800", large=2**70, what={1: object})'
    odd = json.loads(run(program).splitlines()[-1])
    assert (odd["half"], odd["large"]) == ("\ud800", 2**70)
