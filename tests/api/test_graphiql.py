"""GraphiQL at the address of the API: for browsers, in development, with nothing from elsewhere."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from edge.graphiql import FOLDER, Graphiql
from tests.browser import CHROMIUM, browsing
from tests.factories import Factory, gid
from tests.own import own_studio
from tests.studio import Studio
from tests.waiting import until

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
BUILT = (FOLDER / "graphiql.js").exists()
needs_files = pytest.mark.skipif(not BUILT, reason="GraphiQL is not here: `make graphiql` gets it where there is npm.")


@pytest.fixture(scope="module")
async def development() -> AsyncIterator[tuple[Studio, Factory]]:
    async with own_studio("api", "relay", ENVIRONMENT="development") as made:
        yield made


@pytest.fixture
async def http(development: tuple[Studio, Factory]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=development[0].url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("path", ["/graphql", "/graphql?query={viewer{id}}"])
@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/html, application/json;q=0.9"])
async def test_a_browser_gets_the_page(http: httpx.AsyncClient, path: str, accept: str) -> None:
    page = await http.get(path, headers={"Accept": accept})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "GraphiQL" in page.text
    assert "://" not in page.text, "nothing comes from elsewhere"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "Accept" in page.headers.get_list("vary", split_commas=True)


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/json, text/html", "text/*", "text/html;q=0"]
)
async def test_a_client_gets_json(http: httpx.AsyncClient, accept: str) -> None:
    response = await http.get("/graphql?query={__typename}", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("application/json")
    posted = await http.post("/graphql", json={"query": "{__typename}"}, headers={"Accept": BROWSER})
    assert posted.json()["data"] == {"__typename": "Query"}


async def test_in_production_there_is_no_page(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/graphql", headers={"Accept": BROWSER})
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")
    assert (await browser.get("/graphiql/graphiql.js")).status_code == 404


def test_without_its_files_the_page_says_how_to_get_them(tmp_path: Path) -> None:
    graphiql = Graphiql("https://video.example", tmp_path)
    absent = bytes(graphiql.page().body)
    assert b"<code>make graphiql</code>" in absent
    assert b"<script" not in absent
    (tmp_path / "graphiql.js").touch()
    assert b"/graphiql/graphiql.js" in bytes(graphiql.page().body)
    assert "connect-src 'self' wss://video.example;" in graphiql.page().headers["content-security-policy"]


@needs_files
async def test_the_files_are_ours_and_of_their_types(http: httpx.AsyncClient) -> None:
    page = await http.get("/graphql", headers={"Accept": BROWSER})
    files = re.findall(r'"(/graphiql/[^"]+)"', page.text)
    types = {path: (await http.get(path)).headers["content-type"].split(";")[0] for path in files}
    assert types == {"/graphiql/graphiql.css": "text/css", "/graphiql/graphiql.js": "text/javascript"}
    for path in ("/graphiql/nothing.js", "/graphiql/%2e%2e/%2e%2e/settings.py", "/graphiql/"):
        assert (await http.get(path)).status_code == 404


@needs_files
@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium on this machine to look at GraphiQL with.")
async def test_a_subscription_runs_in_it(development: tuple[Studio, Factory], tmp_path: Path) -> None:
    """In a real browser: to who is signed in by the cookie, an event comes to the screen."""
    studio, make = development
    crew = await make.crew()
    video = await make.video(crew)
    version = await make.version(video)
    document = f'subscription {{videoChanged(id: "{gid(video)}") {{type video {{title}}}}}}'
    async with browsing(tmp_path) as tab:
        await tab.open(f"{studio.url}/graphql?query={quote(document)}")
        button = "document.querySelector('.graphiql-execute-button')"
        await until(lambda: tab.value(f"{button} !== null && document.querySelector('.view-line') !== null"), 60)
        await tab.value(f"document.cookie = {json.dumps(f'session={crew.editor.client.token}')}")
        await tab.value(f"{button}.click()")

        async def is_shown() -> bool:
            await crew.editor.client.do("AddComment", input={"versionId": gid(version), "startMs": 0, "body": "Seen"})
            shown = await tab.value("document.querySelector('.result-window').innerText")
            return {"comment.created", video.title} <= set(re.findall(r'"(.*?)"', shown.replace("\xa0", " ")))

        await until(is_shown, 30)
        assert tab.complaints == []
