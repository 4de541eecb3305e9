"""graphql-transport-ws over real sockets: operations, close codes, and the ways a socket ends."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from live import transport
from live.codes import CloseCode
from live.limits import Limits
from tests.waiting import until


async def test_the_first_words(stage):
    async with stage.client("graphql-ws", "graphql-transport-ws") as client:
        assert client.connection.subprotocol == "graphql-transport-ws"
        await client.send(type="connection_init")
        assert await client.receive() == {"type": "connection_ack"}


async def test_the_acknowledgement_may_tell_something(stage):
    async with stage.client() as client:
        await client.send(type="connection_init", payload={"as": "greet ada"})
        assert await client.receive() == {"type": "connection_ack", "payload": {"hello": "ada"}}


@pytest.mark.parametrize("protocols", [("graphql-ws",), ("graphql-ws", "chat")])
async def test_other_protocols_are_turned_down(stage, protocols):
    async with stage.client(*protocols) as client:
        assert await client.closed() == (4406, "Only graphql-transport-ws is spoken here")
    async with stage.client(subprotocols=None) as client:
        assert (await client.closed())[0] == 4406


async def test_a_query_answers_and_completes(stage):
    async with stage.client() as client:
        await client.init(**{"as": "ada"})
        await client.subscribe("1", "whoami", variables={"v": 1}, operationName="n", extensions={"lastEventId": 3})
        assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": "ada"}}
        assert await client.receive() == {"id": "1", "type": "complete"}
    request = stage.play.requests[0]
    assert (request.variables, request.operation_name, request.extensions) == ({"v": 1}, "n", {"lastEventId": 3})


async def test_the_application_sees_the_handshake(stage):
    async with stage.client(init=True, additional_headers={"X-Name": "grace"}) as client:
        await client.subscribe("1", "whoami")
        assert (await client.receive())["payload"] == {"data": "grace"}


async def test_encoded_payloads_pass_untouched(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", 'bytes {"data" : "é"}')
        assert await client.receive() == {"id": "1", "type": "next", "payload": {"data": "é"}}


async def test_operations_share_a_socket(stage):
    async with stage.client(init=True) as client:
        for operation_id in "ab":
            await client.subscribe(operation_id, "hold")
            assert (await client.receive())["id"] == operation_id
        assert (stage.transport.open_sockets, stage.transport.open_operations) == (1, 2)
        await client.subscribe("c", "count 3")
        answers = [await client.receive() for _ in range(4)]
        assert [answer["type"] for answer in answers] == ["next", "next", "next", "complete"]
    await until(lambda: stage.transport.open_sockets == 0)
    assert sorted(stage.play.cancelled) == ["a", "b", "c"]


async def test_completing_cancels_and_frees_the_id(stage):
    async with stage.client(init=True) as client:
        for _ in range(3):
            await client.subscribe("1", "hold")
            assert (await client.receive())["type"] == "next"
            await client.send(id="1", type="complete")
        await until(lambda: len(stage.play.cancelled) == 3)
        await client.send(id="never", type="complete")
        await client.subscribe("1", "count 0")
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_the_id_is_free_once_the_end_is_seen(stage):
    async with stage.client(init=True) as client:
        for _ in range(200):
            await client.subscribe("1", "count 0")
            assert await client.receive() == {"id": "1", "type": "complete"}


async def test_a_bad_operation_fails_alone(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "hold")
        await client.receive()
        await client.subscribe("2", "invalid")
        assert await client.receive() == {"id": "2", "type": "error", "payload": [{"message": "No such field."}]}
        assert stage.transport.open_operations == 1


async def test_a_fault_is_masked_and_logged_whole(stage, caplog):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "fault")
        assert (await client.receive())["payload"] == {"data": 1}
        failure = await client.receive()
        assert failure["type"] == "error"
        assert failure["payload"][0]["extensions"] == {"code": "INTERNAL"}
        assert "secret" not in str(failure)
        await client.subscribe("1", "whoami")
        assert (await client.receive())["type"] == "next"
    assert "ZeroDivisionError: secret" in caplog.text


async def test_one_operation_too_many_fails_alone(house):
    stage = house.stage(Limits(operations=2))
    async with stage.client(init=True) as client:
        for operation_id in "ab":
            await client.subscribe(operation_id, "hold")
            await client.receive()
        await client.subscribe("c", "hold")
        failure = await client.receive()
        assert (failure["id"], failure["type"]) == ("c", "error")
        assert failure["payload"][0]["extensions"] == {"code": "TOO_MANY_OPERATIONS"}
        await client.send(id="a", type="complete")
        await client.subscribe("c", "hold")
        assert (await client.receive())["type"] == "next"


async def test_pings_are_answered_before_and_after_init(stage):
    async with stage.client() as client:
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}
        await client.init()
        await client.send(type="ping", payload={"t": 1})
        assert await client.receive() == {"type": "pong", "payload": {"t": 1}}


async def test_a_client_that_answers_pings_stays_and_one_that_does_not_goes(house):
    stage = house.stage(Limits(ping_seconds=0.05))
    async with stage.client(init=True) as client:
        for _ in range(4):
            assert await client.receive() == {"type": "ping"}
            await client.send(type="pong")
        assert await client.closed() == (4499, "No answer to our ping")


async def test_whose_operation_asks_for_attention_is_pinged_as_often_while_it_runs(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "hold 0.05")
        assert (await client.receive())["payload"] == {"data": "held"}
        for _ in range(4):
            assert await client.receive() == {"type": "ping"}
            await client.send(type="pong")
        await client.send(type="complete", id="1")
        await client.subscribe("2", "hold 0.05")
        assert await client.closed() == (4499, "No answer to our ping")


async def test_with_the_operation_the_attention_ends(house):
    stage = house.stage(Limits(ping_seconds=0.6))
    async with stage.client(init=True) as client:
        await client.subscribe("1", "hold 0.2")
        assert (await client.receive())["payload"] == {"data": "held"}
        await client.send(type="complete", id="1")
        assert await client.receive() == {"type": "ping"}  # the one that was on its way
        await client.send(type="pong")
        began = time.monotonic()
        assert await client.receive() == {"type": "ping"}
        assert time.monotonic() - began > 0.4


async def test_whose_attention_ends_just_after_a_ping_is_not_taken_for_silent_at_the_next(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "attend 0.05")
        assert await client.receive() == {"type": "ping"}
        stage.play.going_on.set()
        assert (await client.receive())["type"] == "complete"
        (socket,) = stage.transport._sockets
        socket.ping()
        assert await client.receive() == {"type": "ping"}
        await client.subscribe("2", "whoami")
        assert (await client.receive())["payload"] == {"data": "nobody"}


async def test_who_is_not_listened_to_is_not_taken_for_silent(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "unwind")
        assert (await client.receive())["payload"] == {"data": "begun"}
        await client.subscribe("2", "hold 0.05")
        assert (await client.receive())["payload"] == {"data": "held"}
        await client.send(id="1", type="complete")
        for _ in range(4):
            assert await client.receive() == {"type": "ping"}
            await client.send(type="pong")
        stage.play.going_on.set()
        assert await client.closed() == (4499, "No answer to our ping")


async def test_behind_what_was_lost_as_a_socket_closed_nothing_comes(stage):
    async with stage.client(init=True) as client:
        (socket,) = stage.transport._sockets
        socket.close(CloseCode.TOO_SLOW, "Too slow")
        socket.put(b'"behind"')
        await socket.send(b'"behind"')
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert await client.closed() == (4290, "Too slow")


async def test_init_must_come_in_time(house):
    stage = house.stage(Limits(init_seconds=0.05))
    async with stage.client() as client:
        await client.send(type="ping")
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_after_init_its_deadline_is_off(house):
    stage = house.stage(Limits(init_seconds=0.05, ping_seconds=0.1))
    async with stage.client(init=True) as client:
        assert await client.receive() == {"type": "ping"}


async def test_init_twice(stage):
    async with stage.client(init=True) as client:
        await client.send(type="connection_init")
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_init_twice_while_the_first_is_judged(stage):
    async with stage.client() as client:
        await client.send(type="connection_init", payload={"as": "slow"})
        await client.send(type="connection_init")
        assert (await client.closed())[0] == 4429


@pytest.mark.parametrize("began", [False, True])
async def test_subscribing_before_the_acknowledgement(stage, began):
    async with stage.client() as client:
        if began:
            await client.send(type="connection_init", payload={"as": "slow"})
        await client.subscribe("1", "whoami")
        assert await client.closed() == (4401, "Unauthorized")
    assert stage.play.requests == []


async def test_an_id_in_use(stage):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "hold")
        await client.subscribe("1", "whoami")
        assert await client.closed() == (4409, "Subscriber for 1 already exists")
    await until(lambda: stage.transport.open_operations == 0)


@pytest.mark.parametrize(("why", "reason"), [("", "Forbidden"), ("Your account is closed.",) * 2, ("é" * 99, "é" * 61)])
async def test_a_refused_connection(stage, why, reason):
    async with stage.client() as client:
        await client.send(type="connection_init", payload={"as": "refused", "why": why})
        assert await client.closed() == (4403, reason)


async def test_a_fault_in_connecting_asks_to_try_again(stage, caplog):
    async with stage.client() as client:
        await client.send(type="connection_init", payload={"as": "fault"})
        assert await client.closed() == (1013, "Try again later")
    assert "ZeroDivisionError" in caplog.text


async def test_ending_sockets_by_their_caller(stage):
    async with stage.client() as ada, stage.client() as bob, stage.client() as stranger:
        await ada.init(**{"as": "ada"})
        await bob.init(**{"as": "bob"})
        await ada.subscribe("1", "hold")
        await ada.receive()
        assert stage.transport.end(lambda caller: caller == "ada", "Your session has ended") == 1
        assert await ada.closed() == (4403, "Your session has ended")
        assert stage.play.cancelled == ["1"]
        await bob.subscribe("1", "whoami")
        assert (await bob.receive())["payload"] == {"data": "bob"}
        await stranger.init()


async def test_draining_sends_everybody_away(stage):
    async with stage.client(init=True) as busy, stage.client() as idle:
        await busy.subscribe("1", "hold")
        await busy.receive()
        ends = asyncio.gather(busy.closed(), idle.closed())
        await stage.transport.drain()
        assert await ends == [(1012, "The server restarts; come back in a moment")] * 2
        assert (stage.transport.open_sockets, stage.play.cancelled) == (0, ["1"])
        async with stage.client() as late:
            assert (await late.closed())[0] == 1012


async def test_a_client_that_vanishes_leaves_nothing(stage, caplog):
    async with stage.client(init=True) as client:
        await client.subscribe("1", "flood 1000")
        await client.receive()
        client.connection.transport.abort()
    await until(lambda: stage.transport.open_sockets == 0)
    assert stage.play.cancelled == ["1"]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_of_those_who_hang_on_a_name_only_these_are_asked(stage):
    async with stage.client() as ada, stage.client() as bob:
        await ada.init(**{"as": "ada"})
        await bob.init(**{"as": "bob"})
        asked = []
        assert stage.transport.end(lambda caller: not asked.append(caller), names=["name:ada", "name:eve"]) == 1
        assert asked == stage.transport.callers(["name:ada"]) == ["ada"]
        assert await ada.closed() == (4403, "Forbidden")
        await until(lambda: stage.transport.callers() == ["bob"])
        assert stage.transport.callers(["name:ada"]) == []


async def test_what_lets_somebody_in_for_a_time_keeps_them_no_longer(stage):
    async with stage.client() as ada, stage.client() as eve:
        await ada.init(**{"as": "ada for 0.05"})
        await ada.subscribe("1", "hold")
        await eve.init(**{"as": "eve for -1"})
        assert await ada.closed() == await eve.closed() == (4403, "What let you in has expired")
    await until(lambda: stage.play.cancelled == ["1"])


async def test_everybody_who_is_let_in_is_told_whether_anything_can_be_told(stage):
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(stage.client(init=True)) for _ in range(3)]
        waiting = await stack.enter_async_context(stage.client())
        for is_live in (False, True):
            stage.transport.tell_live(is_live=is_live)
            told = [await client.receive() for client in clients]
            assert told == [{"type": "ping", "payload": {"live": is_live}}] * 3
        await waiting.init()  # which is answered first: nothing was said before


async def test_of_many_none_is_left_out_and_the_last_word_is_how_it_stands(stage, monkeypatch):
    monkeypatch.setattr(transport, "_AT_ONCE", 2)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(stage.client(init=True)) for _ in range(5)]
        for is_live in (False, True, False):
            stage.transport.tell_live(is_live=is_live)
        for client in clients:
            told = [(await client.receive())["payload"]["live"] for _ in range(3)]
            assert told[-1] is False
