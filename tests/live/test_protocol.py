"""The wire's words."""

import orjson
import pytest

from live import protocol
from live.codes import CloseCode
from live.operations import OperationRequest
from live.protocol import Closing, Complete, Init, Ping, Pong, ProtocolError

GOOD = [
    ('{"type":"connection_init"}', Init({})),
    ('{"type":"connection_init","payload":null}', Init({})),
    ('{"type":"connection_init","payload":{"token":"t"}}', Init({"token": "t"})),
    ('{"type":"ping"}', Ping(None)),
    ('{"type":"ping","payload":{"a":1},"more":1}', Ping({"a": 1})),
    ('{"type":"pong","payload":{}}', Pong()),
    ('{"type":"complete","id":"7"}', Complete("7")),
    ('{"type":"subscribe","id":"1","payload":{"query":""}}', OperationRequest("1", "")),
    (
        '{"type":"subscribe","id":"1","payload":{"query":"q","operationName":"n","variables":{"v":1},"extensions":{"e":2}}}',
        OperationRequest("1", "q", "n", {"v": 1}, {"e": 2}),
    ),
]

BAD = [
    ("", "JSON"),
    ("{", "JSON"),
    ("[" * 100_000, "JSON"),
    ("NaN", "JSON"),
    ("null", "object"),
    ("[]", "object"),
    ('[{"type":"ping"}]', "object"),
    ('"ping"', "object"),
    ("1", "object"),
    ("{}", "`type`"),
    ('{"type":1}', "`type`"),
    ('{"type":null}', "`type`"),
    ('{"type":"start"}', "start"),
    ('{"type":"next","id":"1","payload":{}}', "next"),
    ('{"type":"connection_init","payload":[]}', "`payload`"),
    ('{"type":"ping","payload":"x"}', "`payload`"),
    ('{"type":"pong","payload":0}', "`payload`"),
    ('{"type":"complete"}', "`id`"),
    ('{"type":"complete","id":""}', "`id`"),
    ('{"type":"complete","id":1}', "`id`"),
    ('{"type":"subscribe","id":"1"}', "`payload`"),
    ('{"type":"subscribe","payload":{"query":"q"}}', "`id`"),
    ('{"type":"subscribe","id":"' + "x" * 257 + '","payload":{"query":"q"}}', "`id`"),
    ('{"type":"subscribe","id":"1","payload":{}}', "`query`"),
    ('{"type":"subscribe","id":"1","payload":{"query":["q"]}}', "`query`"),
    ('{"type":"subscribe","id":"1","payload":{"query":"q","operationName":1}}', "`operationName`"),
    ('{"type":"subscribe","id":"1","payload":{"query":"q","variables":[]}}', "`variables`"),
    ('{"type":"subscribe","id":"1","payload":{"query":"q","variables":"{}"}}', "`variables`"),
    ('{"type":"subscribe","id":"1","payload":{"query":"q","extensions":1}}', "`extensions`"),
]


@pytest.mark.parametrize(("text", "message"), GOOD)
def test_good_messages_are_understood(text, message):
    assert protocol.parse(text.encode()) == message


@pytest.mark.parametrize(("text", "named"), BAD, ids=range(len(BAD)))
def test_bad_messages_name_what_is_wrong(text, named):
    with pytest.raises(ProtocolError) as broken:
        protocol.parse(text.encode())
    assert broken.value.closing.code == CloseCode.BAD_REQUEST
    assert named in broken.value.closing.reason


@pytest.mark.parametrize("reason", ["x" * 500, "é" * 500, "x" + "🎬" * 100])
def test_reasons_fit_a_close_frame_and_stay_whole_characters(reason):
    cut = Closing(CloseCode.FORBIDDEN, reason).reason
    assert 119 < len(cut.encode()) <= 123
    assert reason.startswith(cut)


def test_a_frame_is_put_together_around_what_is_encoded_already():
    frame = protocol.next_head('a"b') + protocol.encoded({"data": {"a": "é"}}) + protocol.NEXT_END
    assert orjson.loads(frame) == {"id": 'a"b', "type": "next", "payload": {"data": {"a": "é"}}}
