"""The Zapier integration against the running product, by Zapier's own `createAppTester`."""

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from domain.permissions import Scope
from domain.webhooks.catalogue import EVENT_KINDS
from local.operations import REGISTERED
from local.zapier import FOLDER, operations
from models import ApiKey, Upload, Video, Webhook
from tests.clips import make_clip
from tests.factories import Crew, Factory, gid, uuid_in
from tests.own import own_studio
from tests.receivers import Received, answer, receiving
from tests.waiting import until

PATIENCE = 60
CORE = FOLDER / "node_modules" / "zapier-platform-core"
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="There is no Node on this machine to run the app with."),
    pytest.mark.skipif(not CORE.exists(), reason="The app is not installed: `make test` does it where there is npm."),
]


class Refused(Exception):
    """What a step throws: its kind, and what it says."""

    def __init__(self, error: dict[str, str]) -> None:
        super().__init__(error["message"])
        self.name = error["name"]
        text = error["message"].splitlines()[0]
        self.told: Any = json.loads(text) if text.startswith("{") else {"message": text}


class App:
    """The app, run by Zapier's tester for somebody who has connected an installation."""

    def __init__(self, process: Process, auth: dict[str, str]) -> None:
        self._process = process
        self.auth = auth

    async def run(self, method: str, **bundle: Any) -> Any:
        """What a step answers: `triggers.video_created.operation.perform`, say. Refused for what it throws."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"method": method, "bundle": {"authData": self.auth, **bundle}}
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        if not line:
            assert self._process.stderr is not None
            raise AssertionError((await self._process.stderr.read()).decode())
        answered = json.loads(line)
        if "error" in answered:
            raise Refused(answered["error"])
        return answered["results"]

    async def trigger(self, name: str, step: str, **bundle: Any) -> Any:
        return await self.run(f"triggers.{name}.operation.{step}", **bundle)

    async def act(self, name: str, **given: Any) -> Any:
        return await self.run(f"creates.{name}.operation.perform", inputData=given)

    async def refusal(self, method: str, **bundle: Any) -> Any:
        with pytest.raises(Refused) as refused:
            await self.run(method, **bundle)
        return refused.value.told


@pytest.fixture(scope="module")
async def process() -> AsyncIterator[Process]:
    program = ("node", str(Path(__file__).parent / "zapier.cjs"), str(FOLDER))
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=2**24)
    yield process
    process.kill()
    await process.wait()


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


async def connected(process: Process, make: Factory, crew: Crew, *scopes: Scope) -> App:
    key = await make.key(crew.admin, *(scopes or (Scope.WEBHOOKS, Scope.WRITE)))
    return App(process, {"baseUrl": f"{make.url}/", "apiKey": str(key.token)})


@pytest.fixture
async def app(process: Process, make: Factory, crew: Crew) -> App:
    """Connected with a key of the crew's admin."""
    return await connected(process, make, crew)


def as_zapier_has_it(received: Received) -> dict[str, Any]:
    """What a step is given of a request: Zapier writes names of headers its own way."""
    headers = {f"Http-{name.title()}": value for name, value in received.headers.items()}
    raw = {"method": "POST", "querystring": "", "headers": headers, "content": received.body.decode()}
    return {"rawRequest": raw, "cleanedRequest": received.told}


async def test_the_app_is_one_that_zapier_takes(app: App) -> None:
    assert await app.run("validate") == []


async def test_there_is_a_trigger_for_every_event() -> None:
    told = json.loads((FOLDER / "events.json").read_bytes())
    assert [event["type"] for event in told["events"]] == list(EVENT_KINDS)
    assert all(len(event["label"]) <= 64 for event in told["events"])


async def test_what_its_actions_run_is_registered() -> None:
    registered = {each["body"] for each in json.loads(REGISTERED.read_bytes())["operations"]}
    assert set(operations().values()) <= registered


async def test_a_connection_is_tried_by_asking_whose_key_it_is(app: App, crew: Crew) -> None:
    assert (await app.run("authentication.test"))["name"] == "Admin"
    for auth, status in (
        ({"apiKey": "vc_nonsense"}, 401),
        ({"baseUrl": "nonsense"}, 400),
        ({"baseUrl": "http://video.example.com"}, 400),
    ):
        told = await app.refusal("authentication.test", authData={**app.auth, **auth})
        assert (told["code"], told["status"]) == ("AuthenticationError", status)


async def test_a_key_is_told_to_nobody_else(app: App) -> None:
    """An installation that sends on somewhere else could be anybody's."""
    async with receiving() as elsewhere, receiving(lambda _: answer(302, location=elsewhere.url)) as installation:
        address = installation.url.removesuffix("/hook")
        await app.refusal("authentication.test", authData={**app.auth, "baseUrl": address})
        assert [each.headers["authorization"] for each in installation.received] == [f"Bearer {app.auth['apiKey']}"]
        assert elsewhere.received == []


async def test_a_zap_is_told_of_what_happens_until_it_is_switched_off(app: App, crew: Crew) -> None:
    given = {"team": crew.id}
    async with receiving() as zap:
        data = await app.trigger("video_created", "performSubscribe", inputData=given, targetUrl=zap.url)
        assert data.keys() == {"id", "secret"}
        row = await Webhook.get(id=uuid_in(data["id"]))
        assert (row.event_types, row.team_id, row.description) == (["video.created"], crew.team.id, "Zapier")
        assert await ApiKey.filter(id=row.api_key_id, user_id=crew.admin.user.id).exists()
        video = await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": "Rushes"})
        (received,) = await zap.has(1)
    request = as_zapier_has_it(received)
    (event,) = await app.trigger("video_created", "perform", inputData=given, subscribeData=data, **request)
    assert (event["id"], event["path"]["video"]) == (received.id, {"id": video["id"], "title": "Rushes"})

    async def has_samples() -> bool:
        return await app.trigger("video_created", "performList", inputData=given) == [event]

    await until(has_samples)
    for _ in range(2):  # the second time there is nothing left to end
        await app.trigger("video_created", "performUnsubscribe", inputData=given, subscribeData=data)
    assert not await Webhook.filter(Webhook.kept(), id=row.id).exists()


async def test_what_was_not_signed_begins_no_zap(app: App, crew: Crew) -> None:
    given = {"team": crew.id}
    async with receiving() as zap:
        data = await app.trigger("video_created", "performSubscribe", inputData=given, targetUrl=zap.url)
        await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": "Rushes"})
        (received,) = await zap.has(1)
    request = as_zapier_has_it(received)
    raw = request["rawRequest"]
    again = await app.trigger("video_created", "performSubscribe", inputData=given, targetUrl=zap.url)
    assert (again["id"] == data["id"], again["secret"] == data["secret"]) == (True, False)
    forged: list[tuple[dict[str, Any], str]] = [
        ({**raw, "content": raw["content"].replace("Rushes", "Forged")}, data["secret"]),
        ({**raw, "headers": {**raw["headers"], "Http-Webhook-Id": str(uuid4())}}, data["secret"]),
        ({**raw, "headers": {**raw["headers"], "Http-Webhook-Timestamp": "1"}}, data["secret"]),
        ({**raw, "headers": {**raw["headers"], "Http-Webhook-Signature": "v1,AAAA v2,x"}}, data["secret"]),
        ({**raw, "headers": {}}, data["secret"]),
        (raw, again["secret"]),
    ]
    for request["rawRequest"], secret in forged:
        bundle = {"inputData": given, "subscribeData": {**data, "secret": secret}, **request}
        told = await app.refusal("triggers.video_created.operation.perform", **bundle)
        assert told["message"] == "This was not signed by your Video Creator."


@pytest.mark.parametrize("kept", [None, {}, {"id": "V2ViaG9vazo"}, {"id": "V2ViaG9vazo", "secret": ""}])
async def test_where_zapier_has_kept_no_secret_nothing_begins_a_zap(app: App, crew: Crew, kept: Any) -> None:
    """Anybody could have sent it: what says who has is not there to be compared with."""
    async with receiving() as zap:
        await app.trigger("video_created", "performSubscribe", inputData={"team": crew.id}, targetUrl=zap.url)
        await crew.editor.client.do("CreateVideo", input={"teamId": crew.id, "title": "Rushes"})
        (received,) = await zap.has(1)
    bundle = {"inputData": {"team": crew.id}, "subscribeData": kept, **as_zapier_has_it(received)}
    told = await app.refusal("triggers.video_created.operation.perform", **bundle)
    assert told["message"].endswith("Switch the Zap off and on again.")


async def test_a_zap_may_begin_with_several_events_about_one_video(app: App, make: Factory, crew: Crew) -> None:
    videos = [await make.video(crew), await make.video(crew)]
    given = {"team": crew.id, "eventTypes": ["video.edited", "video.deleted"], "video": gid(videos[0])}
    async with receiving() as zap:
        await app.trigger("any_event", "performSubscribe", inputData=given, targetUrl=zap.url)
        for video in reversed(videos):
            await crew.editor.client.do("EditVideo", input={"id": gid(video), "title": "Renamed"})
        await crew.editor.client.do("DeleteVideo", id=gid(videos[0]))
        first, second = await zap.has(2)
    assert sorted(each.told["type"] for each in (first, second)) == ["video.deleted", "video.edited"]
    assert {each.told["path"]["video"]["id"] for each in (first, second)} == {gid(videos[0])}


@pytest.mark.parametrize("event_type", EVENT_KINDS)
async def test_every_trigger_has_samples_to_set_a_zap_up_with(app: App, crew: Crew, event_type: str) -> None:
    (sample,) = await app.trigger(event_type.replace(".", "_"), "performList", inputData={"team": crew.id})
    assert sample["type"] == event_type


async def test_drop_downs_offer_teams_and_videos(app: App, make: Factory, crew: Crew) -> None:
    video = await make.video(crew, title="Rough cut")
    teams = [{"id": crew.id, "name": "Crew", "role": "ADMIN"}]
    assert await app.trigger("hook_teams", "perform") == teams
    assert await app.trigger("teams", "perform") == teams
    (found,) = await app.trigger("videos", "perform", inputData={"team": crew.id})
    assert (found["id"], found["title"]) == (gid(video), "Rough cut")


async def test_a_video_is_found_by_its_title(app: App, make: Factory, crew: Crew) -> None:
    wanted = await make.video(crew, title="Northern Lights")
    await make.video(crew, title="Southern Cross")

    async def search(text: str) -> Any:
        return await app.run("searches.find_video.operation.perform", inputData={"team": crew.id, "text": text})

    assert [(each["id"], each["title"]) for each in await search("north")] == [(gid(wanted), "Northern Lights")]
    assert await search("nowhere") == []


async def test_comments_are_added_to_the_newest_version(app: App, make: Factory, crew: Crew) -> None:
    video = await make.video(crew)
    given = {"team": crew.id, "video": gid(video), "body": "Louder"}
    told = await app.refusal("creates.add_comment.operation.perform", inputData=given)
    assert told["message"] == "This video has no version that could be commented on."
    await make.version(video)
    newest = await make.version(video)
    comment = await app.act("add_comment", **given, startMs=480)
    assert (comment["body"], comment["startMs"]) == ("Louder", 480)
    assert (comment["version"]["id"], comment["author"]["id"]) == (gid(newest), crew.admin.id)
    assert (await app.act("add_comment", **given, startTimecode="00:00:01:00"))["startMs"] == 1000
    assert (await app.act("add_comment", **given))["startMs"] == 0
    told = await app.refusal("creates.add_comment.operation.perform", inputData={**given, "startMs": 9999})
    assert (told["code"], told["message"].partition(":")[0]) == ("INVALID", "input.startMs")


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return make_clip(tmp_path / "clip.mp4").read_bytes()


async def test_a_file_at_an_address_becomes_a_video(app: App, crew: Crew, clip: bytes) -> None:
    async with receiving(lambda _: answer(200, clip)) as source:
        address = source.url.replace("/hook", "/films/my%20cut.mp4?signature=1")
        made = await app.act("create_video_from_url", team=crew.id, url=address, title="From afar", tags=["a", "b"])
        assert "authorization" not in source.received[0].headers
    assert (made["title"], sorted(made["tags"])) == ("From afar", ["a", "b"])

    async def is_ready() -> bool:
        shown = await crew.editor.client.do("Video", id=made["id"])
        return [each["fileName"] for each in shown["versions"]["nodes"]] == ["my cut.mp4"]

    await until(is_ready, 60)


async def test_a_large_file_is_sent_in_parts(app: App, crew: Crew) -> None:
    """What is in them is looked at by the job, and is none of the app's business."""
    large = bytes(range(256)) * (11 * 4096)
    async with receiving(lambda _: answer(200, large)) as source:
        made = await app.act("create_video_from_url", team=crew.id, url=source.url)
    upload = await Upload.get(video_id=uuid_in(made["id"]))
    assert (upload.size, upload.state, made["title"]) == (len(large), "completed", "hook")
    assert upload.part_size * 2 < len(large)


@pytest.mark.parametrize(
    ("answered", "code"),
    [
        (answer(404), "FILE_UNREACHABLE"),
        (b"nonsense\r\n\r\n", "FILE_UNREACHABLE"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nendless", "FILE_SIZE_UNKNOWN"),
        (answer(200, b"x" * 10, content_encoding="gzip"), "FILE_SIZE_UNKNOWN"),
        (answer(200), "FILE_SIZE_UNKNOWN"),
    ],
)
async def test_a_file_that_cannot_be_had_leaves_no_video(app: App, crew: Crew, answered: bytes, code: str) -> None:
    async with receiving(lambda _: answered) as source:
        given = {"team": crew.id, "url": source.url}
        told = await app.refusal("creates.create_video_from_url.operation.perform", inputData=given)
    assert told["code"] == code
    assert not await Video.filter(team_id=crew.team.id).exists()


async def test_what_breaks_off_is_given_up(app: App, crew: Crew) -> None:
    cut = answer(200, b"x" * 1000).replace(b"content-length: 1000", b"content-length: 2000")

    async def is_on_its_way() -> bool:
        return await Upload.filter(team_id=crew.team.id).exists()

    async with receiving(lambda _: cut) as source:
        given = {"team": crew.id, "url": source.url, "title": "Cut off"}
        failing = asyncio.create_task(app.refusal("creates.create_video_from_url.operation.perform", inputData=given))
        await until(is_on_its_way)
        await source.hang_up()
        assert (await failing)["code"] == "FILE_CUT_OFF"
    video = await Video.get(team_id=crew.team.id)
    assert video.deleted_at is not None
    assert [upload.state for upload in await Upload.filter(video_id=video.id)] == ["discarded"]


async def test_the_scopes_of_a_key_are_kept_to(process: Process, make: Factory, crew: Crew) -> None:
    for scope, refused in ((Scope.WRITE, "authentication.test"), (Scope.WEBHOOKS, "triggers.teams.operation.perform")):
        told = await (await connected(process, make, crew, scope)).refusal(refused)
        assert told["code"] == "FORBIDDEN"


async def test_it_works_where_only_registered_documents_do(process: Process, models: None) -> None:
    async with own_studio("api", "relay", DOCUMENTS="registered") as (_, make):
        crew = await make.crew()
        app = await connected(process, make, crew)
        await make.version(await make.video(crew, title="Registered"))
        given = {"team": crew.id, "text": "regis"}
        (video,) = await app.run("searches.find_video.operation.perform", inputData=given)
        assert (await app.act("add_comment", team=crew.id, video=video["id"], body="Yes"))["body"] == "Yes"


def test_its_lock_says_what_is_installed_and_not_from_where() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_bytes())["packages"]
    of_others = [package for name, package in packages.items() if name]
    assert of_others
    assert all("integrity" in package and "resolved" not in package for package in of_others)
