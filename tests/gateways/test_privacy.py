"""What is taken out of a text before it is written down, and what stays."""

import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from domain.api_keys import new_key
from domain.tokens import new_token
from gateways.privacy import clean, told

ROOT = Path(__file__).parents[2]
TOKEN, KEY = new_token(), new_key()


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("550 <ada@example.com>: unknown", "550 <[hidden]>: unknown"),
        ("Key (email)=(ada@localhost) is there", "Key (email)=([hidden]) is there"),
        ("postgres://user:p%40ss@host:5432/name", "postgres://[hidden]:5432/name"),
        ("token TOKEN is bad", "token [hidden] is bad"),
        ("key KEY", "key [hidden]"),
        ("Authorization: bearer abc.def-123", "Authorization: bearer [hidden]"),
        ("GET https://id.example/cb?code=hunter2 failed", "GET https://id.example/cb?[hidden] failed"),
        ("it is\nDETAIL:  Failing row contains (hunter2).\nHINT:  no", "it is\nDETAIL:  [hidden]\nHINT:  no"),
        (
            "invalid input for query argument $3: 'hunter2' (expected str)",
            "invalid input for query argument $3: [hidden]",
        ),
        ('invalid input syntax for type uuid: "hunter2"', "invalid input syntax for type uuid: [hidden]"),
        ('date/time field value out of range: "hunter2"', "date/time field value out of range: [hidden]"),
        ('value "4711" is out of range for type integer', "value [hidden] is out of range for type integer"),
        ('a value "x" value "4711" is out of range', "a value [hidden] is out of range"),
        ("input_value='hunter2', input_type=str", "input_value=[hidden], input_type=str"),
        ("input_value='a, input_type=hunter2', input_type=str", "input_value=[hidden], input_type=str"),
        ("input_value='hunter2", "input_value=[hidden]"),
        (
            "see (https://id.example/cb?code=hunter2) or http://b?c",
            "see (https://id.example/cb?[hidden]) or http://b?[hidden]",
        ),
        ("url=https://id.example/?a=1", "url=https://id.example/?[hidden]"),
        (f"{'x' * 70}@example.com", "[hidden]"),
        ("redis://:hunter2@cache:6379/0", "redis://:[hidden]:6379/0"),
        ("id_token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk is old", "id_token [hidden] is old"),
    ],
)
def test_it_is_hidden(said: str, written: str) -> None:
    assert clean(said.replace("TOKEN", TOKEN).replace("KEY", KEY)) == written


@pytest.mark.parametrize(
    "said",
    [
        "relay.active", "@property\ndef name(self):", "job 01a223e3-86bd-77ed-b79c-90d4bf8e1e3a, attempt 2",
        'File "/srv/app/plan/runner.py", line 7, in serially', "f" * 32, "e" * 64, "https://id.example/keys", "is it?",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(said: str) -> None:
    assert clean(said) == said


@pytest.mark.parametrize(
    "part",
    [
        "a", "a@", "a:", "a" * 60 + ":", "bearer ", "https://", "https://a?", 'value "', "DETAIL: ", "input_value=",
        "query argument $1", "query argument $" + "1" * 3000, "invalid input syntax for a: ", '"', "vc_", "eyJaaaaaaaa",
    ],
)  # fmt: skip
def test_a_long_text_is_cut_and_costs_little(part: str) -> None:
    """Whatever it holds of that for which something is looked for."""
    text = part * (10**6 // len(part)) + " @ ? out of range"
    began = time.process_time()
    assert len(clean(text)) < 200_000
    assert time.process_time() - began < 0.1


def test_a_row_of_many_lines_is_hidden_down_to_the_last_through_all_causes() -> None:
    refused = asyncpg.UniqueViolationError("duplicate key")
    refused.detail = "Failing row contains (hunter1\n\nTraceback: hunter2\nhunter3)."
    try:
        try:
            raise ExceptionGroup("several", [refused])
        except ExceptionGroup as group:
            raise RuntimeError("it went wrong") from group
    except RuntimeError as error:
        text = told((type(error), error, error.__traceback__))
    assert "duplicate key" in text
    assert "RuntimeError: it went wrong" in text
    assert "hunter" not in text.replace("refused.detail", "").replace("hunter1\\n", "")


def test_what_ends_a_process_is_told_like_all_else() -> None:
    program = "from gateways.logs import configure; configure('INFO', people={}); raise OSError('no ada@example.com')"
    for people in (True, False):
        command = [sys.executable, "-c", program.format(people)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "the process has failed" in done.stderr
        assert "OSError: no [hidden]" in done.stderr
        assert "ada@" not in done.stderr.replace("raise OSError('no ada@example.com')", "")
