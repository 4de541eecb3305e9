"""Whose form it is that comes to one of our pages: what browsers say of that, and what they say over plain HTTP."""

import httpx
import pytest

from tests.studio import Studio

PAGES = ("/welcome", "/reset-password", "/confirm-email", "/invitation", "/sign-in/code")


async def status(studio: Studio, path: str, **headers: str) -> int:
    async with httpx.AsyncClient(base_url=studio.url) as browser:
        return (await browser.post(path, data={"token": "x", "password": "y"}, headers=headers)).status_code


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_takes_its_own_form_and_no_other(studio: Studio, path: str) -> None:
    """Of our own it looks at the token, which is none; those of others it does not look at."""
    host = studio.url.removeprefix("http://")
    ours: list[dict[str, str]] = [
        {},
        {"Origin": studio.url},
        {"Origin": "http://studio.local", "Host": "studio.local"},
        {"Origin": studio.url, "Host": "behind-a-proxy:9000"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ]
    others: list[dict[str, str]] = [
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "https://evil.example"},
        {"Origin": f"http://{host}.evil.example"},
        {"Origin": "http://[::1"},
        {"Origin": "https://app.example"},  # it may use the API, with what is in its own pages
        {"Origin": studio.url, "Sec-Fetch-Site": "same-site"},
        {"Origin": studio.url, "Sec-Fetch-Site": "cross-site"},
    ]
    assert [await status(studio, path, **headers) for headers in ours] == [409] * len(ours)
    assert [await status(studio, path, **headers) for headers in others] == [403] * len(others)
