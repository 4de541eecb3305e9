"""A client as the documentation describes one: it follows a room, comes back wherever it is sent, and resumes."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from live.codes import CloseCode
from live.protocol import SUBPROTOCOL
from tests.fuzz.live.houses import Door, House
from tests.fuzz.live.stories import Heard, Story

FIELDS = """id body startMs endMs createdAt editedAt deletedAt resolvedAt parent { id } reactions { kind count %s }
    editCount drawing"""
PLAIN, OF_ROLE, OF_PERSON = FIELDS % "", FIELDS % "" + " video { viewerCan }", FIELDS % "viewerReacted" + " viewerCan"
"""What depends on nothing, on a role, and on a person."""
LONG = PLAIN + "".join(f" b{n}: body" for n in range(40))
"""What fills a line quickly."""
RECEIVED_BYTES = 4096
"""What the network keeps for a client that does not read."""
ESTABLISHED = 1
"""`tcpi_state`."""
MOST_LINES = 60
"""A client that needs more is sent in circles."""


@dataclass(frozen=True)
class Place:
    """What is followed: a video, of which a version is talked about; and who may not see it from some time on."""

    video: str
    version: str


class Guest:
    """One client. `live` runs until it leaves, or is refused."""

    def __init__(self, house: House, place: Place, token: str, fields: str, door: int) -> None:
        self.token = token
        self.door = door
        self.story = Story()
        self.faults: list[str] = []
        self.refused: str | None = None
        self.may_be_refused = False
        self.heard_with: dict[str, int] = {}
        """Of each token the last position that was heard on a line that it had opened."""
        self.ends: Counter[str] = Counter()
        """How its lines have ended."""
        self.frames: list[str] = []
        """What came, as it came, where it may be refused."""
        self.ready = asyncio.Event()
        self._news = asyncio.Event()
        self.place = place
        self._house, self._fields = house, fields
        self._anew = self._leaves = self._left_by_itself = self._stalled = False
        self._reading = asyncio.Event()
        self._reading.set()
        self._line: ClientConnection | None = None
        self._shown: str | None = None
        self._ended_tokens = set[str]()

    @property
    def is_up_to_date(self) -> bool:
        """Whether the line that it is on was opened with the token that it has now."""
        return self._line is not None and self._shown == self.token

    @property
    def reads(self) -> bool:
        return self._reading.is_set()

    @property
    def is_cut_off(self) -> bool:
        """Whether the other side has ended its line, whatever still lies in it."""
        if self._line is None:
            return False
        line: socket.socket = self._line.transport.get_extra_info("socket")
        return line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != ESTABLISHED

    async def until(self, is_so: Callable[[], Any]) -> None:
        """Returns when that is so; looked at whenever something has changed."""
        while not is_so():
            self._news.clear()
            await self._news.wait()

    def drop(self, door: int | None = None, *, anew: bool = False) -> None:
        """Loses its line without a word; comes back at `door`, with `anew` without knowing where it was."""
        self.door = self.door if door is None else door
        self._anew |= anew
        self._left_by_itself = True
        self._reading.set()
        self._abort()

    def stall(self) -> None:
        """Takes nothing from the line any more."""
        self._stalled = True
        self._reading.clear()

    def read_on(self) -> None:
        self._reading.set()

    def change_token(self, token: str) -> None:
        """Will come back with another token, since the present one is about to end."""
        self._ended_tokens.add(self.token)
        self.token = token

    def leave(self) -> None:
        self._leaves = True
        self._reading.set()
        self._abort()

    async def load(self) -> list[tuple[str, list[str]]] | None:
        """The state by a query, as of now: None where it may not be seen. The threads, by their ids."""
        position, comments, threads = await self.look()
        if comments is not None:
            self.story.load(position, comments.values())
        return threads

    async def look(self) -> tuple[int, dict[str, Any] | None, list[tuple[str, list[str]]] | None]:
        """What a query answers: its position, the comments by id, and the threads with their answers."""
        variables = {"video": self.place.video, "version": self.place.version}
        answer = await self._house.ask(self.token, self.door, LISTS % self._fields, variables)
        assert "errors" not in answer, answer
        data, position = answer["data"], answer["extensions"]["position"]
        if data["video"] is None:
            return position, None, None
        assert data["video"]["comments"]["totalCount"] <= 100, "more than are asked for"
        comments = {comment["id"]: comment for comment in data["video"]["comments"]["nodes"]}
        threads = data["version"]["comments"]["nodes"]
        return (
            position,
            comments,
            [(thread["id"], [answer["id"] for answer in thread["replies"]["nodes"]]) for thread in threads],
        )

    async def live(self) -> None:
        """Follows the room."""
        await self.load()
        for _ in range(MOST_LINES):
            if self._leaves or self.refused:
                return
            await self._visit(await self._house.door(self.door))
        self.faults.append(f"had to come back {MOST_LINES} times")

    async def _visit(self, door: Door) -> None:
        """One line, from its opening to its end."""
        kills, ends, token = door.kills, door.ends, self.token
        self._left_by_itself, self._stalled = False, not self._reading.is_set()
        self.ready.clear()
        if self._anew:
            self._anew = False
            await self.load()
        try:
            async with self._connected(door) as self._line:
                self._shown = token
                if not self._leaves:
                    await self._follow(self._line, token)
        except (OSError, EOFError, InvalidHandshake, InvalidMessage, ConnectionClosed) as error:
            code = error.rcvd.code if isinstance(error, ConnectionClosed) and error.rcvd else None
            self.ends[self._named(code)] += 1
            if not self._is_expected(code, token, killed=door.kills > kills, ended=door.ends > ends):
                self.faults.append(f"the line ended with {code or error!r}")
        finally:
            self._line = None
            self.door += 1

    def _is_expected(self, code: int | None, token: str, *, killed: bool, ended: bool) -> bool:
        if self._left_by_itself or self._leaves:
            return True
        if code == CloseCode.FORBIDDEN:
            return token in self._ended_tokens
        if code == CloseCode.RESTART:
            return ended
        if code in (CloseCode.TOO_SLOW, CloseCode.SILENT):  # who reads nothing answers no ping, either
            return self._stalled
        return code is None and (killed or self._stalled or (ended and not self.ready.is_set()))

    def _named(self, code: int | None) -> str:
        if self._left_by_itself or self._leaves:
            return "left"
        return ("too slow, " if self._stalled else "") + str(code or "broken")

    async def _follow(self, line: ClientConnection, token: str) -> None:
        await _say(line, type="connection_init", payload={"token": token})
        while True:
            await self._reading.wait()
            text = await line.recv()
            if self.may_be_refused:
                self.frames.append(str(text))
            match orjson.loads(text):
                case {"type": "connection_ack"}:
                    await _say(line, type="subscribe", id="1", payload=self._wish())
                    self.ready.set()
                    self._news.set()
                case {"type": "next", "payload": dict(payload)}:
                    self._hear(payload, token)
                case {"type": "ping"}:
                    await _say(line, type="pong")
                case {"type": "error", "payload": list(errors)}:
                    self._end([error["extensions"]["code"] for error in errors], token)
                    if self.refused:
                        return
                case other:
                    self.faults.append(f"was told {other!r:.200}")

    def _wish(self) -> dict[str, Any]:
        query = "subscription ($id: ID!) { commentEvents(videoId: $id) { kind commentId comment { %s } } }"
        extensions = {"lastEventId": self.story.last}
        return {"query": query % self._fields, "variables": {"id": self.place.video}, "extensions": extensions}

    def _hear(self, payload: dict[str, Any], token: str) -> None:
        told, extensions = (payload.get("data") or {}).get("commentEvents"), payload.get("extensions", {})
        if "errors" in payload or told is None or "eventId" not in extensions:
            self.faults.append(f"was told {payload!r:.300}")
            return
        event = Heard(extensions["eventId"], told["kind"], told["commentId"])
        self.story.hear(event, told["comment"])
        self.heard_with[token] = max(event.position, self.heard_with.get(token, 0))
        self._news.set()

    def _end(self, codes: list[str], token: str) -> None:
        """The subscription has ended. Where that is because the session has, the line must end, too: see `live`."""
        if self.may_be_refused and codes == ["NOT_FOUND"]:
            self.refused = codes[0]
            self._news.set()
        elif not (token in self._ended_tokens and codes == ["UNAUTHENTICATED"]):
            self.faults.append(f"the subscription ended with {codes}")

    @asynccontextmanager
    async def _connected(self, door: Door) -> AsyncIterator[ClientConnection]:
        address = urlsplit(door.studio.url)
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
        line.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(line, (address.hostname, address.port))
            opened = await connect(
                f"ws://{address.netloc}/graphql", sock=line, subprotocols=[SUBPROTOCOL], compression=None, proxy=None,
                ping_interval=None, max_queue=1, open_timeout=30, close_timeout=5,
            )  # fmt: skip
        except BaseException:
            line.close()
            raise
        try:
            yield opened
        finally:
            opened.transport.abort()

    def _abort(self) -> None:
        if self._line is not None:
            self._line.transport.abort()


LISTS = """query ($video: ID!, $version: ID!) {
    video(id: $video) { comments(first: 100) { totalCount nodes { %s } } }
    version(id: $version) { comments(first: 100) { nodes { id replies(first: 60) { nodes { id } } } } }
}"""


async def _say(line: ClientConnection, **message: Any) -> None:
    await line.send(orjson.dumps(message).decode())
