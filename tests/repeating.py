"""Asking under an idempotency key."""

from dataclasses import dataclass
from typing import Any

from domain.ids import new_label
from local.client import Client, document
from models import Video
from tests.factories import Crew

MODERN = "application/graphql-response+json"
REUSED = (422, "IDEMPOTENCY_KEY_REUSED")


@dataclass(frozen=True)
class Told:
    """What was answered over HTTP."""

    status: int
    answer: dict[str, Any]
    request_id: str = ""

    @property
    def value(self) -> Any:
        """Of the one root field."""
        assert "errors" not in self.answer, self.answer
        return next(iter(self.answer["data"].values()))

    @property
    def kind(self) -> str:
        """The type of what was answered."""
        return str(self.value["__typename"])

    @property
    def replayed(self) -> bool:
        return bool(self.answer.get("extensions", {}).get("replayed", False))

    @property
    def refused(self) -> tuple[int, str]:
        """Status and code of a request that was refused as a whole."""
        assert "data" not in self.answer, self.answer
        (error,) = self.answer["errors"]
        return self.status, error["extensions"]["code"]


async def ask(client: Client, key: str | None, query: str, accept: str = MODERN, **body: Any) -> Told:
    """Any document under a key; under none where that is None."""
    headers = client.headers() | {"Accept": accept} | ({} if key is None else {"Idempotency-Key": key})
    response = await client.http.post(f"{client.url}/graphql", json={"query": query} | body, headers=headers)
    return Told(response.status_code, response.json(), response.headers["X-Request-ID"])


async def run(client: Client, key: str | None, operation: str, **variables: Any) -> Told:
    """One of `web/operations` under a key."""
    return await ask(client, key, document(operation), operationName=operation, variables=variables)


def new_key() -> str:
    """A key that nobody has used yet."""
    return new_label()


def of(crew: Crew, title: str = "New") -> dict[str, Any]:
    return {"input": {"teamId": crew.id, "title": title}}


async def create(crew: Crew, key: str | None, title: str = "New") -> Told:
    return await run(crew.editor.client, key, "CreateVideo", **of(crew, title))


async def made(crew: Crew) -> int:
    return await Video.filter(team_id=crew.team.id).count()
