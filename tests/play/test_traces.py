"""One upload, followed from the request to the last step of the child process by whoever collects traces."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from tests import clips
from tests.api.test_sockets import opened
from tests.collector import QUICKLY, Collector, collecting
from tests.factories import Crew, gid
from tests.own import own_studio
from tests.studio import WORKERS, Studio
from tests.waiting import until

SERVER, CLIENT, CONSUMER = 2, 3, 5
THEIRS, SOCKETS = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
SECRETIVE = "Nobody shall read this"
MUTATION = ["POST /graphql", "mutation"]
RELAY = [*MUTATION, "relay jobs"]
JOB = [*RELAY, "job ingest"]
CHILD = [*JOB, "media child ingest"]
PATHS: dict[str, list[list[str]]] = {
    "api": [
        MUTATION,
        [*MUTATION, "INSERT events"],
        [*MUTATION, "COMMIT"],
        [*JOB, "relay live", "live", "subscription"],
    ],
    "relay": [RELAY, [*RELAY, "SELECT jobs"], [*JOB, "relay audit"]],
    "media": [JOB, [*JOB, "INSERT versions"], CHILD, *([*CHILD, f"media step {step}"] for step in ("probe", "proxy"))],
}
"""What must be there, by process, from the root of the trace on."""
IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
"""Has a process write down each module that it imports."""


def traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-00f067aa0ba902b7-01"


def paths(collector: Collector, process: str, trace_id: str) -> list[list[str]]:
    return [collector.path(span) for span in collector.of(trace_id) if span.process == process]


async def upload(crew: Crew, video: str, file: Path) -> None:
    """Under the client's own trace, and until another client was told of the version."""
    client = crew.editor.client
    async with asyncio.timeout(60), crew.viewer.client.follow("VideoChanged", id=video) as changes:
        client.http.headers["traceparent"] = traceparent(THEIRS)
        await client.upload(video, file)
        async for change in changes:
            if change["data"]["videoChanged"]["type"] == "version.created":
                return


async def ask_by_socket(studio: Studio, crew: Crew, video: str) -> None:
    async with opened(studio) as socket:
        await socket.init({"token": crew.editor.client.token})
        query = "query Title($id: ID!) {video(id: $id) {title}}"
        (told,) = await socket.ask(query, extensions={"traceparent": traceparent(SOCKETS)}, id=video)
        assert told["data"]["video"]["title"] == SECRETIVE


async def test_what_is_done_for_one_request_is_one_trace(tmp_path: Path) -> None:
    file = clips.make_clip(tmp_path / "unspeakable.mp4", seconds=1)
    with collecting() as (endpoint, collector):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **QUICKLY}
        async with own_studio("api", *WORKERS, **settings) as (studio, make):
            crew = await make.crew()
            video = gid(await make.video(crew, title=SECRETIVE))
            await upload(crew, video, file)
            await ask_by_socket(studio, crew, video)

            def is_all_there() -> bool:
                found = {process: paths(collector, process, THEIRS) for process in PATHS}
                return all(path in found[process] for process, wanted in PATHS.items() for path in wanted)

            await until(is_all_there)
            await until(lambda: ["websocket /graphql", "query", "SELECT"] in paths(collector, "api", SOCKETS))
            for process in ("api", "relay", "media"):
                lines = [json.loads(line) for line in studio.log(process).splitlines() if line.startswith("{")]
                told = [line for line in lines if line.get("trace_id") == THEIRS]
                assert bool(told) is (process != "relay"), "who has something to say says in which trace"
    check_spans(collector)
    for secret in (SECRETIVE, file.name, crew.editor.user.email, str(crew.editor.client.token), "127.0.0.1"):
        assert secret.encode() not in collector.bytes, secret


def check_spans(collector: Collector) -> None:
    """What they say, and that each lies within its parent, or, in another process, behind its beginning."""
    spans = {span.name: span for span in collector.of(THEIRS)}
    http, operation, statement = spans["POST /graphql"], spans["mutation"], spans["INSERT events"]
    assert (http.kind, http.attributes["http.route"], http.attributes["http.response.status_code"]) == (
        2,
        "/graphql",
        200,
    )
    assert operation.attributes["graphql.operation.name"] in ("StartUpload", "CompleteUpload")
    assert (statement.kind, statement.attributes["db.system.name"]) == (CLIENT, "postgresql")
    assert "$12" in statement.attributes["db.query.text"]
    assert (spans["relay jobs"].kind, spans["job ingest"].kind) == (CONSUMER, CONSUMER)
    assert (spans["job ingest"].attributes["job.kind"], spans["job ingest"].attributes["job.attempt"]) == ("ingest", 1)
    assert spans["media child ingest"].attributes["process.exit.code"] == 0
    known = {span.span_id for span in collector.spans}
    for span in [span for span in collector.of(THEIRS) if span.parent_id in known]:
        parent = collector.parent(span)
        assert parent.began <= span.began
        assert span.ended <= parent.ended or span.kind == CONSUMER, (span, parent)
    assert not [span for span in collector.spans if span.failed]


async def test_without_an_endpoint_nothing_of_it_is_imported(tmp_path: Path) -> None:
    async with own_studio("api", *WORKERS, **IMPORTS) as (studio, make):
        crew = await make.crew()
        crew.editor.client.http.headers["traceparent"] = traceparent(THEIRS)
        assert await crew.editor.client.do("Viewer")
        for process in ("api", *WORKERS):
            await until(lambda process=process: re.search(r"\| +structlog\n", studio.log(process)) is not None)
            imported: Any = studio.log(process)
            assert "opentelemetry" not in imported
            assert "google.protobuf" not in imported
    with collecting() as (endpoint, _):
        async with own_studio("api", **IMPORTS, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as (studio, _):
            assert "opentelemetry.sdk" in studio.log("api"), "the log tells what is imported"
