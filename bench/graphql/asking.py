"""The operations, as bytes to send: GraphQL for the product, for PostGraphile in its own words, and plain routes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import orjson

from bench.graphql.targets import Target
from plan import encode_id

DOCUMENTS = Path(__file__).parent / "operations"
REMARK = "Could we hold this shot a little longer?"


class Dialect(Enum):
    """How a contender is spoken to."""

    GRAPHQL = "graphql"
    POSTGRAPHILE = "postgraphile"
    ROUTES = "routes"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: the type of what it asks for, its other variables, its hand-written route."""

    name: str
    kind: str
    route: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = False

    def request(self, dialect: Dialect, target: Target) -> bytes:
        """The whole HTTP request."""
        if dialect is Dialect.ROUTES:
            return self._route(target)
        return graphql(self.document(dialect), self._variables(dialect, target), target.token)

    def document(self, dialect: Dialect) -> str:
        """The GraphQL document."""
        folder = DOCUMENTS / "postgraphile" if dialect is Dialect.POSTGRAPHILE else DOCUMENTS
        return (folder / f"{self.name}.graphql").read_text()

    def _variables(self, dialect: Dialect, target: Target) -> dict[str, Any]:
        if not self.writes:
            return {"id": encode_id(self.kind, target.row_id), **self.variables}
        # PostGraphile's function takes the row's own id.
        row = str(target.row_id) if dialect is Dialect.POSTGRAPHILE else encode_id(self.kind, target.row_id)
        return {"input": {"versionId": row, **self.variables}}

    def _route(self, target: Target) -> bytes:
        row = encode_id(self.kind, target.row_id)
        if self.writes:
            return http("POST", self.route, target.token, orjson.dumps({"versionId": row, **self.variables}))
        return http("GET", self.route.format(id=row), target.token)


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("video", "Video", "/videos/{id}"),
        Operation("library", "Team", "/teams/{id}/videos?first=50", {"first": 50}),
        Operation("room", "Version", "/versions/{id}/comments?first=100", {"first": 100}),
        Operation("add_comment", "Version", "/comments", {"body": REMARK, "startMs": 1000}, writes=True),
    )
}


def graphql(document: str, variables: Mapping[str, Any], token: str | None) -> bytes:
    """A GraphQL request over HTTP."""
    return http("POST", "/graphql", token, orjson.dumps({"query": document, "variables": variables}))


def http(method: str, path: str, token: str | None, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request with a JSON body, if any, on a connection that is kept."""
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        head.append(f"Authorization: Bearer {token}")
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body
