"""The page of the local mailbox: there in development, for whoever sits at this machine, and for nobody else."""

import http.client
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from gateways.mail import Mail, open_mailer
from tests.own import own_studio

HTML = (
    '<html><body><p>Hi</p><A class="x" HREF="https://studio.example/in">in</A><script>alert(1)</script></body></html>'
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
async def development():
    async with own_studio("api", ENVIRONMENT="development") as (studio, _):
        mailer = open_mailer(f"mailbox:{studio.mailbox}", "Studio <no-reply@studio.example>", clock=lambda: NOW)
        text = "Sign in <b>:\nhttps://studio.example/in?a=1&b=2\n"
        await mailer.send(Mail("ada@example.org", "Hello <i>Ada</i>", text, HTML))
        yield studio


@pytest.fixture
async def browser(development):
    async with httpx.AsyncClient(base_url=development.url, timeout=30) as client:
        yield client


@pytest.fixture
def name(development) -> str:
    (file,) = development.mailbox.glob("*.eml")
    return file.name


async def test_the_page_lists_the_mails_and_runs_nothing(browser, name):
    page = await browser.get("/mailbox")
    assert page.status_code == 200
    assert f'<a href="/mailbox/{name}">Hello &lt;i&gt;Ada&lt;/i&gt;</a>' in page.text
    assert "ada@example.org" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_mail_is_shown_with_its_text_its_headers_and_its_file(browser, name, development):
    page = await browser.get(f"/mailbox/{name}")
    sandbox = "allow-popups allow-popups-to-escape-sandbox"
    assert f'<iframe sandbox="{sandbox}" src="/mailbox/{name}/html"' in page.text
    link = "https://studio.example/in?a=1&amp;b=2"
    assert f'Sign in &lt;b&gt;:\n<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>' in page.text
    assert "<th>Return-Path<td>&lt;no-reply@studio.example&gt;" in page.text
    raw = await browser.get(f"/mailbox/{name}/raw")
    assert raw.content == (development.mailbox / name).read_bytes()
    assert raw.headers["content-type"].startswith("text/plain")
    assert raw.headers["x-content-type-options"] == "nosniff"


async def test_the_html_of_a_mail_is_kept_apart_and_its_links_open_beside(browser, name):
    page = await browser.get(f"/mailbox/{name}/html")
    policy = page.headers["content-security-policy"]
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert '<a target="_blank" rel="noopener noreferrer" class="x" HREF="https://studio.example/in">' in page.text


async def test_what_is_no_mail_is_not_found(browser, name):
    for path in ("x.eml", "..%2f..%2fsecret", f"{name}%00", f"{name}/other"):
        assert (await browser.get(f"/mailbox/{path}")).status_code == 404
    assert (await browser.post("/mailbox")).status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Host": "localhost.rebound.example:8000"},
        {"Host": "rebound.example:127"},
        {"Host": "127.0.0.1@rebound.example"},
        {"Host": "0.0.0.0"},
        {"Host": ""},
        {"Host": "[::1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_whoever_comes_from_elsewhere_finds_no_page(development, name, headers):
    for path in ("/mailbox", f"/mailbox/{name}", f"/mailbox/{name}/html", f"/mailbox/{name}/raw"):
        assert status(development.url, path, headers) in (400, 404)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "[::1]:8000", "127.0.0.2:1"])
async def test_whoever_means_this_machine_finds_it(development, host):
    assert status(development.url, "/mailbox", {"Host": host}) == 200
    assert status(development.url, "/mailbox", {"Host": host, "Sec-Fetch-Site": "none"}) == 200


async def test_two_hosts_are_none(development):
    at = urlsplit(development.url)
    connection = http.client.HTTPConnection(at.hostname, at.port)
    connection.putrequest("GET", "/mailbox", skip_host=True)
    for host in ("rebound.example", "localhost"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in (400, 404)
    connection.close()


async def test_there_is_no_such_page_in_production(studio):
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        assert (await client.get("/mailbox")).status_code == 404


async def test_there_is_no_such_page_beside_a_mail_server(tmp_path):
    from app import create_app
    from settings import Settings

    given = {
        "database_url": "postgres:///x",
        "redis_url": "redis://x",
        "storage_url": "file:/x",
        "secret_key": "s" * 32,
    }
    for url, there in (("smtp://mail.example", False), (f"mailbox:{tmp_path}", True)):
        app = create_app(Settings(**given, smtp_url=url, environment="development"))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            assert (await client.get("/mailbox")).status_code == (200 if there else 404)


def status(url: str, path: str, headers: dict[str, str]) -> int:
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.hostname, at.port)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for header, value in headers.items():
        connection.putheader(header, value)
    connection.endheaders()
    found = connection.getresponse().status
    connection.close()
    return found
