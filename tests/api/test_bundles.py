"""The languages that there are, and the words for clients: as an answer, and as a file that is kept for good."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from i18n import LOCALES
from i18n.bundles import namespaces
from local.client import document
from tests.studio import Studio

ASKED = {"operationName": "Messages", "query": document("Messages")}
OWN_NAMES = ["English", "Español", "Français", "Deutsch", "Português", "日本語", "한국어", "简体中文", "हिन्दी"]


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, headers={"Origin": "https://anybody.example"}) as client:
        yield client


async def messages(http: httpx.AsyncClient, locale: str, namespace: str = "review") -> Any:
    variables = {"locale": locale, "namespace": namespace}
    answer = (await http.post("/graphql", json={**ASKED, "variables": variables})).json()
    assert "errors" not in answer
    return answer["data"]["messages"]


async def test_the_languages_are_told_with_the_addresses_of_their_words(http: httpx.AsyncClient) -> None:
    answer = await http.post("/graphql", json={"query": document("Locales")})
    languages = answer.json()["data"]["locales"]
    assert [each["code"] for each in languages] == list(LOCALES)
    assert [each["name"] for each in languages] == OWN_NAMES
    assert {each["direction"] for each in languages} == {"LTR"}
    assert languages[0]["completeness"] == 1
    assert all(0 <= each["completeness"] <= 1 for each in languages)
    for each in languages:
        assert [one["namespace"] for one in each["bundles"]] == list(namespaces())
        assert all(one["url"].startswith(f"/i18n/{each['code']}/{one['namespace']}.") for one in each["bundles"])


async def test_the_words_are_in_the_nearest_language(http: httpx.AsyncClient) -> None:
    german = await messages(http, "de")
    assert german["texts"]["player.play"]
    assert german["url"] == f"/i18n/de/review.{german['version']}.json"
    assert await messages(http, "de-AT") == german
    english = await messages(http, "x" * 100_000)
    assert english["locale"] == "en"
    assert english["texts"]["version.count_one"] == "{count, number} version"
    pretended = await messages(http, "en-XA")
    assert pretended["locale"] == "en-XA"
    assert len({each["version"] for each in (german, english, pretended)}) == 3


@pytest.mark.parametrize("namespace", ["mail", "nonsense", "", "Review"])
async def test_there_are_no_words_for_what_is_no_part_of_clients(http: httpx.AsyncClient, namespace: str) -> None:
    assert await messages(http, "de", namespace) is None


async def test_texts_are_paid_for_as_often_as_they_are_asked_for(http: httpx.AsyncClient) -> None:
    async def nodes(query: str) -> int:
        spent = (await http.post("/graphql", json={"query": query})).json()["extensions"]["cost"]["nodes"]
        assert isinstance(spent, int)
        return spent

    assert await nodes('{messages(locale: "de", namespace: "time") {a: texts b: texts c: texts}}') == 4
    assert await nodes("{locales {bundles {texts}}}") > len(LOCALES) * len(namespaces())


async def test_what_is_asked_by_get_may_be_kept(http: httpx.AsyncClient) -> None:
    params = {"query": '{locales {code} messages(locale: "hi", namespace: "review") {version texts}}'}
    first = await http.get("/graphql", params=params)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = await http.get("/graphql", params=params, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
async def test_the_file_has_the_same_texts_and_is_kept_for_good(http: httpx.AsyncClient, coding: str) -> None:
    told = await messages(http, "ja")
    file = await http.get(f"{told['url']}?from=nowhere", headers={"Accept-Encoding": coding})
    assert (file.status_code, file.json()) == (200, told["texts"])
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["content-type"] == "application/json"
    assert file.headers["content-language"] == "ja"
    assert file.headers.get("content-encoding", "identity") == coding
    assert file.headers["vary"] == "Accept-Encoding"
    assert file.headers["access-control-allow-origin"] == "*"
    head = await http.head(told["url"], headers={"Accept-Encoding": coding})
    assert (head.status_code, head.content, head.headers["cache-control"]) == (200, b"", file.headers["cache-control"])


@pytest.mark.parametrize(
    ("asked", "locale"),
    [("de/review", "de"), ("de-AT/review", "de"), ("de/review.0123456789ab", "de"), ("sv/review", "en"),
     ("%2e%2e/review", "en"), ("en-XA/review", "en-XA")],
)  # fmt: skip
async def test_other_addresses_lead_to_the_present_file(http: httpx.AsyncClient, asked: str, locale: str) -> None:
    answer = await http.get(f"/i18n/{asked}.json")
    assert answer.status_code == 307
    assert answer.headers["location"] == (await messages(http, locale))["url"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (await http.get(answer.headers["location"])).headers["content-language"] == locale


@pytest.mark.parametrize(
    "asked",
    [
        "de/mail.json",
        "de/nonsense.json",
        "de/review.json.json",
        "de/review.%0a.json",
        "de/review",
        "de/%2e%2e%2freview.json",
        "review.json",
    ],
)
async def test_there_is_nothing_at_any_other_address(http: httpx.AsyncClient, asked: str) -> None:
    answer = await http.get(f"/i18n/{asked}")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}


async def test_files_are_not_changed(http: httpx.AsyncClient) -> None:
    answer = await http.put("/i18n/de/review.json", json={})
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
    assert answer.json()["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}
