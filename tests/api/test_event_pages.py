"""What webhooks tell of, for who writes a receiver: a list of all events, schemas, examples."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from domain.webhooks.catalogue import EVENT_KINDS
from plan import decode_id
from tests.studio import Studio

CODINGS = ["identity", "gzip", "zstd"]


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, headers={"Origin": "https://anybody.example"}) as client:
        yield client


async def test_the_list_leads_to_a_schema_and_an_example_of_every_type(http: httpx.AsyncClient, studio: Studio) -> None:
    listed = (await http.get("/events/")).json()
    assert listed["edition"] == 1
    assert [each["type"] for each in listed["events"]] == [*EVENT_KINDS]
    assert {each["type"] for each in listed["events"] if not each["recorded"]} == {
        "video.published", "user.subscribed", "user.cancelled", "payment.succeeded", "payment.failed",
    }  # fmt: skip
    for each in listed["events"]:
        assert each["description"].endswith(".")
        assert each["schema"] == f"{studio.url}/events/{each['type']}.json"
        assert [one["version"] for one in each["versions"]][-1] == each["version"]
        for one in (each, *each["versions"]):
            await _agree(http, each["type"], one)


async def _agree(http: httpx.AsyncClient, type_: str, one: dict[str, Any]) -> None:
    schema, example = (await http.get(one["schema"])).json(), (await http.get(one["example"])).json()
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(example)
    assert (example["type"], example["version"]) == (type_, one["version"])
    assert example["links"]["schema"] == schema["$id"]
    assert (await http.get(schema["$id"])).json() == schema
    assert decode_id(example["team"]["id"])[0] == "Team"


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/events/", "application/json"),
        ("/events/comment.created.json", "application/schema+json"),
        ("/events/comment.created.v1.json", "application/schema+json"),
        ("/events/comment.created.example.json", "application/json"),
        ("/events/comment.created.v1.example.json", "application/json"),
    ],
)
async def test_a_page_may_be_kept_by_all_and_read_by_any_origin(
    http: httpx.AsyncClient, address: str, kind: str, coding: str
) -> None:
    page = await http.get(address, headers={"Accept-Encoding": coding})
    assert (page.status_code, page.headers["content-type"]) == (200, kind)
    assert page.headers.get("content-encoding", "identity") == coding
    assert page.headers["cache-control"] == "public, max-age=60"
    assert page.headers["access-control-allow-origin"] == "*"
    assert page.headers["cross-origin-resource-policy"] == "cross-origin"
    assert page.headers["vary"] == "Accept-Encoding"
    assert page.json() == (await http.get(address, headers={"Accept-Encoding": "identity"})).json()
    head = await http.head(address, headers={"Accept-Encoding": coding})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", page.headers["etag"])
    for held in (page.headers["etag"], "*"):
        again = await http.get(address, headers={"If-None-Match": held, "Accept-Encoding": coding})
        assert (again.status_code, again.content) == (304, b"")
        assert "content-encoding" not in again.headers
        for name in ("etag", "cache-control", "vary", "access-control-allow-origin"):
            assert again.headers[name] == page.headers[name]
    assert (await http.get(address, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_different_pages_have_different_tags(http: httpx.AsyncClient) -> None:
    addresses = ["/events/", "/events/video.created.json", "/events/video.deleted.json"]
    tags = {(await http.get(address)).headers["etag"] for address in addresses}
    assert len(tags) == 3
    assert all(tag.startswith('W/"') for tag in tags), "it is the same in every coding"


@pytest.mark.parametrize(
    "asked",
    [
        "video.vanished.json", "video.created.v2.json", "video.created.v0.json", "video.created.v01.json",
        "video.created", "session.opened.json", "notification.raised.json", "video.created.example.v1.json",
        ".json", "video.created.json.json", "%2e%2e/healthz.json", "video.created.%0a.json", "Video.Created.json",
    ],
)  # fmt: skip
async def test_there_is_nothing_at_any_other_address(http: httpx.AsyncClient, asked: str) -> None:
    answer = await http.get(f"/events/{asked}")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_that_there_is_no_such_event_can_be_read_by_any_origin(http: httpx.AsyncClient) -> None:
    answer = await http.get("/events/video.vanished.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", ["/events/", "/events/video.created.json"])
async def test_pages_are_not_changed(http: httpx.AsyncClient, address: str) -> None:
    answer = await http.post(address, json={})
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert answer.json()["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}
