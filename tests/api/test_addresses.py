"""From where somebody asks: a proxy's word counts only from a proxy that the operator has named."""

from collections.abc import Iterator

import pytest

from domain.ids import new_id
from local.client import Client, document
from models import EventRecord
from tests.api.test_sockets import opened
from tests.factories import Crew, Factory
from tests.studio import Studio, running


@pytest.fixture(scope="module")
def distrustful(studio: Studio) -> Iterator[Studio]:
    """An API process whose one proxy is elsewhere: nobody on this machine is it."""
    folder = studio.folder / "distrustful"
    folder.mkdir()
    api = Studio(folder, studio.database_url, studio.redis_url, FORWARDED_ALLOW_IPS="192.0.2.1, 198.51.100.0/24")
    with running(api, "api") as distrustful:
        yield distrustful


async def seen_from(client: Client, crew: Crew, forwarded: str) -> str | None:
    """The address that is noted of somebody who comes with this `X-Forwarded-For`."""
    request_id = str(new_id())
    client.http.headers.update({"X-Forwarded-For": forwarded, "X-Request-ID": request_id})
    await client.do("CreateVideo", input={"teamId": crew.id, "title": "From somewhere"})
    return (await EventRecord.get(request_id=request_id)).address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),  # what the client wrote itself stands before what the proxy adds
        ("203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("nonsense", None),
        ("'; DROP TABLE events; --", None),
    ],
)
async def test_a_proxy_that_is_trusted_says_from_where(make: Factory, forwarded: str, address: str | None) -> None:
    crew = await make.crew()
    assert await seen_from(crew.owner.client, crew, forwarded) == address


@pytest.mark.parametrize("forwarded", ["203.0.113.7", "192.0.2.1", "203.0.113.7, 192.0.2.1", "nonsense"])
async def test_nobody_else_is_believed(make: Factory, distrustful: Studio, forwarded: str) -> None:
    crew = await make.crew()
    async with Client(distrustful.url, crew.owner.client.token) as client:
        assert await seen_from(client, crew, forwarded) == "127.0.0.1"


async def test_it_is_the_same_over_a_socket(make: Factory, studio: Studio, distrustful: Studio) -> None:
    crew = await make.crew()
    for api, address in ((studio, "203.0.113.7"), (distrustful, "127.0.0.1")):
        title = str(new_id())
        async with opened(api, {"X-Forwarded-For": "203.0.113.7"}) as socket:
            await socket.init({"token": crew.owner.client.token})
            (answer,) = await socket.ask(document("CreateVideo"), input={"teamId": crew.id, "title": title})
        assert answer["data"]["createVideo"]["__typename"] == "Video"
        told = await EventRecord.get(type="video.created", team_id=crew.team.id, payload__contains={"title": title})
        assert told.address == address
