"""Programs that ask for REST hooks with an API key."""

from typing import Any

import httpx

from domain.permissions import Scope
from tests.factories import Factory, Person, new_network_address

NOWHERE = "https://hooks.example.com/1"


class Program:
    """What holds an API key, and asks at `/hooks`."""

    def __init__(self, http: httpx.AsyncClient, key: str | None) -> None:
        self.http, self.key = http, key

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"X-Forwarded-For": new_network_address(), **more.pop("headers", {})}
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        return await self.http.request(method, path, headers=headers, **more)

    async def subscribe(self, url: str = NOWHERE, **more: Any) -> httpx.Response:
        wish = {"targetUrl": url, "eventType": "video.created", **more}
        return await self.ask("POST", "/hooks", json={name: value for name, value in wish.items() if value is not None})

    async def hook(self, url: str = NOWHERE, **more: Any) -> Any:
        response = await self.subscribe(url, **more)
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def samples(self, event_type: str, **params: str) -> Any:
        response = await self.ask("GET", f"/hooks/samples/{event_type}", params=params)
        assert response.status_code == 200, response.text
        return response.json()


async def program(http: httpx.AsyncClient, make: Factory, person: Person, *scopes: Scope) -> Program:
    """With a fresh key, by default one that is good for webhooks alone."""
    return Program(http, (await make.key(person, *(scopes or (Scope.WEBHOOKS,)))).token)


def refusal(response: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, code and the path of what was refused."""
    (error,) = response.json()["errors"]
    assert error["message"]
    return response.status_code, error["extensions"]["code"], error["extensions"].get("path", [])
