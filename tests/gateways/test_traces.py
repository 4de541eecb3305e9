"""Traces that are sent: what is recorded of whom, and that it costs nobody anything when nobody takes them."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from domain.traces import Kind, Parent, Untraced, current, part, traceparent, within
from gateways.recording import SEND_SECONDS
from gateways.traces import LAST_SECONDS, open_traces
from tests.collector import QUICKLY, collecting

ROOT = Path(__file__).parents[2]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
LOW = f"00-{'0' * 31}1-{SPAN}-01"
"""A trace id that OpenTelemetry's own sampler by ratio would always take."""


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICKLY.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "text",
    [
        "", "00", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-01-more", f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-٠١", SAMPLED + "x" * 1000,
        None,
        4711,
        [SAMPLED],
    ],
)  # fmt: skip
def test_what_is_no_traceparent_is_none(text: object) -> None:
    assert Parent.parse(text) is None


def test_a_traceparent_is_read_as_w3c_has_it() -> None:
    assert Parent.parse(SAMPLED) == Parent(int(TRACE, 16), int(SPAN, 16), sampled=True)
    assert Parent.parse(f" cc-{TRACE}-{SPAN}-ff-of-tomorrow ") == Parent(int(TRACE, 16), int(SPAN, 16), sampled=True)
    assert Parent.parse(UNSAMPLED) == Parent(int(TRACE, 16), int(SPAN, 16), sampled=False)


def test_spans_arrive_as_a_tree_with_what_failed_and_without_what_it_said() -> None:
    with collecting() as (endpoint, collector):
        with open_traces(endpoint, process="test", ratio=1) as tracer:
            root = tracer.begin("root", Kind.SERVER, {"http.route": "/graphql"}, parent=SAMPLED, stranger=True)
            assert root is not None
            with within(root):
                assert traceparent() == root.traceparent
                with pytest.raises(ValueError, match="hunter2"), part("child", Kind.CLIENT, {}):
                    raise ValueError("hunter2")
            assert current() is None
        child, arrived = collector.spans
    assert (child.name, child.parent_id, child.failed, child.attributes) == (
        "child", arrived.span_id, True, {"error.type": "ValueError"},
    )  # fmt: skip
    assert (arrived.name, arrived.trace_id, arrived.parent_id, arrived.process) == ("root", TRACE, SPAN, "test")
    assert b"hunter2" not in collector.bytes


def test_strangers_get_no_more_traced_than_others() -> None:
    """Whatever id they choose, and whatever they say of it; what was begun here goes on in any case."""
    with open_traces("http://127.0.0.1:1", process="test", ratio=0) as none:
        for parent in (None, SAMPLED, LOW):
            assert none.begin("asked", Kind.SERVER, {}, parent=parent, stranger=True) is None
        assert none.begin("begun", Kind.CONSUMER, {}) is None
        assert none.begin("ours", Kind.CONSUMER, {}, parent=SAMPLED) is not None
    with open_traces("http://127.0.0.1:1", process="test", ratio=1) as every:
        assert every.begin("asked", Kind.SERVER, {}, parent=UNSAMPLED, stranger=True) is None, "as they wish"
        assert every.begin("ours", Kind.CONSUMER, {}, parent=UNSAMPLED) is None
    with open_traces("http://127.0.0.1:1", process="test", ratio=0.5) as half:
        drawn = Counter(half.begin("asked", Kind.SERVER, {}, parent=LOW, stranger=True) is None for _ in range(400))
        assert 100 < drawn[True] < 300


def test_where_nothing_is_traced_there_are_no_spans() -> None:
    with open_traces(None, process="test", ratio=1) as tracer:
        assert isinstance(tracer, Untraced)
        with within(tracer.begin("asked", Kind.SERVER, {}, parent=SAMPLED)) as span:
            assert span is traceparent() is None
            with part("child", Kind.CLIENT, {}) as inner:
                assert inner is None


def test_what_is_not_traced_is_no_part_of_what_happens_to_be_around() -> None:
    """uvicorn begins a request that came early in the context of the one before it."""
    every = open_traces("http://127.0.0.1:1", process="test", ratio=1)
    with every as tracer, within(tracer.begin("one", Kind.SERVER, {})) as around:
        assert around is not None
        with within(tracer.begin("another", Kind.SERVER, {}, parent=UNSAMPLED, stranger=True)):
            assert current() is None
            assert traceparent() is None
        assert current() is around


AWAY = """
import select, sys, time
from domain.traces import Kind, within
from gateways import logs
from gateways.traces import open_traces

logs.configure("INFO", people=False)
slowest = 0
with open_traces(sys.argv[1], process="test", ratio=1) as tracer:
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        began = time.perf_counter()
        for _ in range(300):
            with within(tracer.begin("asked", Kind.SERVER, {})):
                pass
        slowest = max(slowest, time.perf_counter() - began)
print(slowest)
"""


@pytest.mark.parametrize("answers", ["refuses", "says nothing"])
def test_a_collector_that_is_away_is_told_of_once_and_holds_up_nobody(answers: str) -> None:
    """However much more there is to be sent than may wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = 1 if answers == "refuses" else silent.getsockname()[1]
        command = [sys.executable, "-c", AWAY, f"http://127.0.0.1:{port}"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
            assert process.stderr is not None
            assert "traces.away" in process.stderr.readline()
            asked = time.monotonic()
            slowest, more = process.communicate("enough\n", timeout=30)
    assert more == ""
    assert float(slowest) < SEND_SECONDS
    assert time.monotonic() - asked < LAST_SECONDS + SEND_SECONDS
    assert process.returncode == 0
