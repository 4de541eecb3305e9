"""What every answer tells browsers, whoever it comes from."""

from pathlib import Path

import httpx
import pytest

from tests import services
from tests.studio import Studio, running

PAGES = ("/welcome", "/reset-password", "/confirm-email", "/invitation", "/unsubscribe", "/sign-in/nobody")
ASKED = [
    ("POST", "/graphql"),
    ("GET", "/graphql?query={__typename}"),
    ("GET", "/graphql"),
    ("HEAD", "/graphql"),
    ("PUT", "/graphql"),
    ("OPTIONS", "/graphql"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/nowhere"),
    ("GET", "/mailbox"),
    ("GET", "/files/no/link"),
    ("OPTIONS", "/files/no/link"),
    *(("GET", page) for page in PAGES),
    *(("POST", page) for page in PAGES),
]


async def told(http: httpx.AsyncClient, method: str, path: str, **headers: str) -> httpx.Response:
    body = {"query": "{__typename}"} if (method, path) == ("POST", "/graphql") else None
    response = await http.request(method, path, json=body, headers=headers)
    for name, values in {
        "x-content-type-options": {"nosniff"},
        "referrer-policy": {"no-referrer", "same-origin"} if path in PAGES else {"no-referrer"},
    }.items():
        assert len(response.headers.get_list(name)) == 1, (name, response.headers)
        assert response.headers[name] in values
    return response


@pytest.mark.parametrize(("method", "path"), ASKED)
async def test_every_answer_is_of_its_type_and_tells_nobody_its_address(
    browser: httpx.AsyncClient, method: str, path: str
) -> None:
    response = await told(browser, method, path)
    assert "strict-transport-security" not in response.headers, "over plain HTTP"
    if response.headers.get("content-type", "").startswith("text/html"):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


async def test_so_are_those_to_pages_of_other_origins(browser: httpx.AsyncClient) -> None:
    wish = {"Access-Control-Request-Method": "POST"}
    for origin, status in (("https://app.example", 200), ("https://evil.example", 400)):
        preflight = await told(browser, "OPTIONS", "/graphql", Origin=origin, **wish)
        assert preflight.status_code == status
        assert (await told(browser, "POST", "/graphql", Origin=origin)).status_code == 200


async def test_where_there_is_tls_browsers_keep_to_it(number: int, database_url: str, redis_url: str) -> None:
    folder = Path(services.where()["folder"]) / f"tls{number}"
    folder.mkdir()
    with running(Studio(folder, database_url, redis_url, PUBLIC_URL="https://video.example"), "api") as studio:
        async with httpx.AsyncClient(base_url=studio.url) as http:
            for method, path in ASKED:
                response = await told(http, method, path)
                assert response.headers.get_list("strict-transport-security") == ["max-age=31536000"]
