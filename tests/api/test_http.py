"""GraphQL over HTTP, as clumsy and hostile clients use it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
)

from local.client import document
from tests.factories import Crew, Factory, gid
from tests.studio import Studio
from tests.waiting import few_at_once, until

MODERN = "application/graphql-response+json"
LEGACY = "application/json"
SCHEMA = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


async def post(http: httpx.AsyncClient, body: bytes | Any, accept: str = MODERN, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    sent = {"Content-Type": "application/json", "Accept": accept} | headers
    return await http.post("/graphql", content=content, headers=sent)


def refused(response: httpx.Response, status: int, accept: str = MODERN, code: str = "BAD_REQUEST") -> bool:
    """Whether it is `status`, with typed errors, without data, in the media type that was asked for."""
    answer = response.json()
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith(accept)
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code] * len(answer["errors"])
    return all(error["message"] for error in answer["errors"])


DEEP = b"[" * 100_000 + b"]" * 100_000
NO_REQUESTS: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "number": b"1",
    "string": b'"query"',
    "array": b"[]",
    "batch": b'[{"query": "{viewer{id}}"}]',
    "deep array": DEEP,
    "deep variables": b'{"query": "{viewer{id}}", "variables": {"x": ' + DEEP + b"}}",
    "no query": b"{}",
    "truncated": b'{"query": "{viewer{id}',
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "lone surrogate": b'{"query": "{viewer{id}}", "variables": {"x": "\\ud800"}}',
    "NaN": b'{"query": "{viewer{id}}", "variables": {"x": NaN}}',
    "query null": b'{"query": null}',
    "query number": b'{"query": 1}',
    "query array": b'{"query": ["{viewer{id}}"]}',
    "variables array": b'{"query": "{viewer{id}}", "variables": []}',
    "variables string": b'{"query": "{viewer{id}}", "variables": "{}"}',
    "variables false": b'{"query": "{viewer{id}}", "variables": false}',
    "operationName number": b'{"query": "{viewer{id}}", "operationName": 1}',
    "operationName object": b'{"query": "{viewer{id}}", "operationName": {}}',
    "extensions array": b'{"query": "{viewer{id}}", "extensions": []}',
    "extensions number": b'{"query": "{viewer{id}}", "extensions": 7}',
    "subscription": json.dumps({"query": "subscription {videoChanged(id: 1) {type}}"}).encode(),
}


@pytest.mark.parametrize("accept", [MODERN, LEGACY])
@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS.keys())
async def test_what_is_no_request_is_a_bad_request(http: httpx.AsyncClient, body: bytes, accept: str) -> None:
    assert refused(await post(http, body, accept), 400, accept)


UNSOUND: dict[str, dict[str, Any]] = {
    "syntax": {"query": "{viewer{id}"},
    "nothing": {"query": ""},
    "surrogate in a literal": {"query": '{node(id: "\\ud800") {id}}'},
    "NUL": {"query": "{viewer\x00{id}}"},
    "unknown field": {"query": "{viewer{shoeSize}}"},
    "no selection": {"query": "{viewer}"},
    "nested too deeply": {"query": "{node" * 5000},
    "too many tokens": {"query": "{" + "viewer{id}" * 4000 + "}"},
    "unknown operation": {"query": "query A {viewer{id}}", "operationName": "B"},
    "which operation": {"query": "query A {viewer{id}} query B {viewer{id}}"},
    "only a fragment": {"query": "fragment A on User {id}"},
    "variable missing": {"query": "query($id: ID!) {node(id: $id) {id}}"},
    "variable of a wrong type": {"query": "query($id: ID!) {node(id: $id) {id}}", "variables": {"id": {"a": []}}},
    "variable in deep lists": {
        "query": "query($id: ID!) {node(id: $id) {id}}",
        "variables": {"id": json.loads("[" * 500 + "]" * 500)},
    },
    "variable no SafeInt": {
        "query": 'mutation($n: SafeInt!) {startUpload(input: {videoId: "", fileName: "", size: $n}) {__typename}}',
        "variables": {"n": 2**53},
    },
    "literal no SafeInt": {
        "query": 'mutation {startUpload(input: {videoId: "", fileName: "", size: "1"}) {__typename}}',
    },
    "result without its type": {"query": "mutation {signOut {ended}}"},
    "position in words": {"query": "{viewer {id}}", "extensions": {"position": "7"}},
    "position true": {"query": "{viewer {id}}", "extensions": {"position": True}},
    "position with a fraction": {"query": "{viewer {id}}", "extensions": {"position": 1.5}},
}


@pytest.mark.parametrize("accept", [MODERN, LEGACY])
@pytest.mark.parametrize("body", UNSOUND.values(), ids=UNSOUND.keys())
async def test_what_cannot_be_executed_is_refused(http: httpx.AsyncClient, body: dict[str, Any], accept: str) -> None:
    """As the specification of GraphQL over HTTP has it, older clients get their errors with a 200."""
    assert refused(await post(http, body, accept), 400 if accept == MODERN else 200, accept)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/jsonp", ""],
)
async def test_only_json_is_taken_so_that_no_form_elsewhere_can_post(
    http: httpx.AsyncClient, content_type: str
) -> None:
    body = b'{"query": "mutation {signOut {__typename}}"}'
    assert refused(await post(http, body, **{"Content-Type": content_type}), 415)
    assert refused(await http.post("/graphql", content=body, headers={"Accept": MODERN}), 415)


async def test_a_body_of_more_than_a_mebibyte_is_refused(http: httpx.AsyncClient) -> None:
    def body(size: int) -> bytes:
        return b'{"query": "{__typename}"}'.ljust(size)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 2**16

    assert (await post(http, body(2**20))).status_code == 200
    assert refused(await post(http, body(2**20 + 1)), 413)
    headers = {"Content-Type": "application/json", "Accept": MODERN}
    assert refused(await http.post("/graphql", content=chunks(), headers=headers), 413)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON ; charset=utf-8"])
async def test_a_sound_request_is_answered_in_the_media_type_asked_for(
    http: httpx.AsyncClient, content_type: str
) -> None:
    for accept in (MODERN, LEGACY, "*/*"):
        response = await post(http, {"query": "{viewer {id}}"}, accept, **{"Content-Type": content_type})
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(MODERN if accept == MODERN else LEGACY)
        assert response.json()["data"] == {"viewer": None}


async def test_errors_of_fields_leave_the_rest_of_the_answer(http: httpx.AsyncClient) -> None:
    response = await post(http, {"query": '{viewer {id} video(id: "no id") {id}}'})
    answer = response.json()
    assert response.status_code == 200
    assert answer["data"] == {"viewer": None, "video": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [(["video"], "INVALID")]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("PUT", "/graphql", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/welcome", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/healthz", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/", 404, "NOT_FOUND"),
        ("POST", "/nothing%00here", 404, "NOT_FOUND"),
        ("GET", "/../settings.py", 404, "NOT_FOUND"),
        ("POST", "/graphql/", 404, "NOT_FOUND"),
        ("GET", "/healthz/", 404, "NOT_FOUND"),
    ],
)
async def test_other_addresses_and_methods(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await http.request(method, path)
    assert refused(response, status, LEGACY, code)
    assert ("allow" in response.headers) == (status == 405)


HOSTILE = {
    "empty": "",
    "blank": " \t\n\u2003",
    "NUL": "a\x00b",
    "control": "a\x1b[31mb",
    "lone surrogate": "a\ud800b",
    "right to left": "\u202eevil\u202c שלום",
    "emoji": "👩‍👩‍👧‍👦" * 9,
    "combining": "e" + "\u0301" * 40,
    "quotes": "'\"`; DROP TABLE users; -- {{7*7}} ${x} %s {0.__class__}",
    "number": "-1",
    "huge": "x" * 300_000,
    "an id of ours": "VXNlcjoBn7AAAAAAAIAAAAAAAAAAAA",
}


class Call:
    """A root field with the least of its arguments, and the places where a text or an id goes."""

    def __init__(self, kind: str, name: str, field: GraphQLField, ids: Mapping[str, str]) -> None:
        self.name, self._ids = name, ids
        self._variables = {key: self._least(key, argument.type) for key, argument in field.args.items()}
        self.places = list(self._texts(field.args))
        declared = ", ".join(f"${key}: {argument.type}" for key, argument in field.args.items())
        passed = ", ".join(f"{key}: ${key}" for key in field.args)
        more = "... on Problem {code path}" if kind == "mutation" else ""
        arguments = (f"({declared})", f"({passed})") if field.args else ("", "")
        self.document = f"{kind}{arguments[0]} {{{name}{arguments[1]} {{__typename {more}}}}}"

    def with_text(self, place: tuple[str, ...], text: str) -> dict[str, Any]:
        """The request's body with `text` at one of the places, as it would be anywhere else."""
        return {"query": self.document, "variables": _put(self._variables, place, text)}

    def _least(self, name: str, kind: GraphQLInputType) -> Any:
        if not isinstance(kind, GraphQLNonNull):
            return None
        match inner := kind.of_type:
            case GraphQLList():
                return []
            case GraphQLInputObjectType():
                required = {key: self._least(key, part.type) for key, part in inner.fields.items()}
                return {key: value for key, value in required.items() if value is not None}
        return {"ID": self._ids.get(name, self._ids.get(self.name, self._ids["id"])), "String": "text"}.get(
            str(inner), 1
        )

    def _texts(
        self, parts: Mapping[str, GraphQLArgument | Any], path: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, ...]]:
        for name, part in parts.items():
            kind, place = part.type, (*path, name)
            while isinstance(kind, GraphQLNonNull | GraphQLList):
                place = (*place, "0") if isinstance(kind, GraphQLList) else place
                kind = kind.of_type
            if isinstance(kind, GraphQLInputObjectType):
                yield from self._texts(kind.fields, place)
            elif str(kind) in ("String", "ID"):
                yield place


def _put(value: Any, place: tuple[str, ...], text: str) -> Any:
    if not place:
        return text
    name, *rest = place
    if name == "0":
        return [_put((value or [{"number": 1, "checksum": ""}])[0], tuple(rest), text)]
    return {**(value or {}), name: _put((value or {}).get(name), tuple(rest), text)}


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


async def _calls(make: Factory, crew: Crew) -> list[Call]:
    video = await make.video(crew)
    version = await make.version(video)
    owner = crew.owner.client
    upload = await owner.do("StartUpload", input={"videoId": gid(video), "fileName": "cut.mp4", "size": 1})
    ids = {
        "id": gid(video),
        "teamId": crew.id,
        "team": crew.id,
        "restoreVersion": gid(version),
        "version": gid(version),
        "versionId": gid(version),
        **dict.fromkeys(("upload", "uploadParts", "completeUpload", "discardUpload"), upload["upload"]["id"]),
    }
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    roots = (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type))
    return [Call(kind, name, field, ids) for kind, root in roots for name, field in root.fields.items()]


async def test_no_text_and_no_id_of_any_root_field_is_a_fault_of_ours(
    make: Factory, crew: Crew, http: httpx.AsyncClient
) -> None:
    """For the owner, for whom most gets through, and for nobody; walks whatever the schema has."""
    calls = await _calls(make, crew)
    assert sum(len(call.places) for call in calls) > 30
    owner = f"Bearer {crew.owner.client.token}"

    async def fault(call: Call, place: tuple[str, ...], kind: str, token: str) -> str | None:
        response = await post(http, call.with_text(place, HOSTILE[kind]), Authorization=token)
        codes = [error["extensions"]["code"] for error in response.json().get("errors", ())]
        typed = response.status_code in (200, 400) and not {"INTERNAL"} & set(codes)
        # What cannot be stored must never be taken in.
        taken = kind in ("NUL", "lone surrogate") and "errors" not in response.json() and not _problems(response)
        fine = typed and not (taken and call.document.startswith("mutation"))
        return None if fine else f"{call.name} {place} {kind}: {response.status_code} {response.text[:200]}"

    plays = product(((call, place) for call in calls for place in call.places), HOSTILE, (owner, ""))
    faults = await few_at_once(fault(call, place, kind, token) for (call, place), kind, token in plays)
    assert [told for told in faults if told] == []


def _problems(response: httpx.Response) -> list[str]:
    return [value["code"] for value in response.json()["data"].values() if value and "code" in value]


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind != "lone surrogate"])
async def test_the_library_takes_any_text_to_look_for(crew: Crew, http: httpx.AsyncClient, kind: str) -> None:
    text = HOSTILE[kind]
    for variables in (
        {"filter": {"text": text}},
        {"filter": {"tags": [text]}},
        {"after": text},
        {"filter": {"text": text, "tags": [text, text]}, "counted": True},
    ):
        body = {"query": document("Library"), "variables": {"teamId": crew.id, **variables}}
        answer = (await post(http, body, Authorization=f"Bearer {crew.viewer.client.token}")).json()
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"INVALID"}, answer
        if "after" not in variables and not codes:
            assert answer["data"]["team"]["videos"]["edges"] == []


@pytest.mark.parametrize("language", ["de;q=nan", "de--", "*", "de;q=inf,en;q=1e999", ";;;,,,", "de-\xff", "x" * 9000])
async def test_any_accept_language_is_taken(http: httpx.AsyncClient, language: str) -> None:
    response = await http.post(
        "/graphql",
        json={"query": "mutation {signOut {... on Problem {message}}}"},
        headers={b"Accept-Language": language.encode("latin-1")},
    )
    assert response.json()["data"]["signOut"]["message"]


async def test_a_request_has_an_id_that_the_log_has_too(studio: Studio, http: httpx.AsyncClient) -> None:
    given = "client-chose.this_1"
    response = await post(http, {"query": "{viewer {id}}"}, **{"X-Request-ID": given})
    assert response.headers["x-request-id"] == given
    made = [(await http.get(path)).headers["x-request-id"] for path in ("/healthz", "/nowhere")]
    assert len({*made, given}) == 3
    await until(lambda: {given, *made} <= _requests(studio).keys())  # the line is written after the answer
    lines = _requests(studio)
    assert (lines[given]["method"], lines[given]["route"], lines[given]["status"]) == ("POST", "/graphql", 200)
    assert [(lines[request_id]["route"], lines[request_id]["status"]) for request_id in made] == [
        ("/healthz", 200),
        ("unknown", 404),
    ]


@pytest.mark.parametrize("given", ["short", "x" * 65, "spaces are not", "a;b=c-1234567", "ünïcödé-id"])
async def test_an_id_that_would_not_do_in_a_log_is_replaced(http: httpx.AsyncClient, given: str) -> None:
    headers = {b"X-Request-ID": given.encode("latin-1")}
    assert (await http.get("/healthz", headers=headers)).headers["x-request-id"] != given


def _requests(studio: Studio) -> dict[str, dict[str, Any]]:
    return {line["request_id"]: line for line in _logged(studio) if line["event"] == "request"}


def _logged(studio: Studio) -> list[dict[str, Any]]:
    """Every line of the API's log that is JSON: in production all but what uvicorn says before we set it up."""
    return [json.loads(line) for line in studio.log("api").splitlines() if line.startswith("{")]


async def test_pages_of_other_origins_may_ask_only_if_they_are_named(http: httpx.AsyncClient) -> None:
    async def asked(origin: str) -> list[httpx.Headers]:
        wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        preflight = await http.options("/graphql", headers={"Origin": origin, **wish})
        assert preflight.status_code == 200 if origin == "https://app.example" else refused(preflight, 400, LEGACY)
        return [preflight.headers, (await post(http, {"query": "{viewer {id}}"}, Origin=origin)).headers]

    for headers in await asked("https://app.example"):
        assert headers["access-control-allow-origin"] == "https://app.example"
        assert headers["access-control-allow-credentials"] == "true"
    for origin in ("https://app.example.evil", "http://app.example", "null"):
        for headers in await asked(origin):
            assert "access-control-allow-origin" not in headers


async def test_named_origins_can_read_refusals_too(http: httpx.AsyncClient) -> None:
    for method, status in (("GET", 400), ("PUT", 405), ("POST", 415)):
        response = await http.request(method, "/graphql", headers={"Origin": "https://app.example"})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "https://app.example"
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-unheard-of"}
    preflight = await http.options("/graphql", headers={"Origin": "https://app.example", **wish})
    assert preflight.status_code == 400
    elsewhere = await http.get("/healthz", headers={"Origin": "https://app.example"})
    assert "access-control-allow-origin" not in elsewhere.headers
