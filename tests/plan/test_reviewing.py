"""What a review room asks for takes a statement for each kind of thing, not for each comment: planned and plainly."""

from domain.clock import utc_now
from domain.comments import ReactionKind
from domain.frame_tables import packed
from domain.ids import new_id
from domain.viewers import ScopeViewer, Viewer
from models import Comment, CommentEdit, FrameTable, Mention, Reaction, Version
from plan import encode_id
from tests.plan.conftest import Desk
from tests.plan.twice import both
from tests.plan.world import World, a_world

PAGE = """query ($id: ID!) { team(id: $id) { videos(first: 3) { nodes {
    openThreadCount resolvedThreadCount comments(first: 50) { nodes {
    body bodyHtml mentions { userId name start length } drawing viewerCan editCount edits { totalCount nodes { body } }
    reactions { kind emoji count viewerReacted } startFrame startTimecode endFrame endTimecode
} } } } } }"""
NARROWED = """query ($id: ID!, $filter: CommentFilter) { version(id: $id) {
    openThreadCount resolvedThreadCount comments(filter: $filter) { totalCount nodes { id } } } }"""
STATEMENTS = 4
"""The plan's own, that of the reactions, that of the people mentioned, and that of the versions with their frames."""


async def furnish(world: World) -> None:
    """Reactions to all, a range for some, one resolved thread on each version, who is mentioned in every comment."""
    comments = await Comment.filter(id__in=world.ids["Comment"])
    kinds = [ReactionKind.HEART, ReactionKind.EYES]
    await Reaction.bulk_create([Reaction.by(c.created_by_id, c, kind, utc_now()) for c in comments for kind in kinds])
    for comment in comments:
        comment.mentions = [[0, 2, str(comment.created_by_id)]]
        await Mention.follow(comment, utc_now())
        comment.mentions.append([2, 1, str(new_id())])  # somebody whom nobody sees
        await comment.save(update_fields=["mentions"])
    await Comment.filter(id__in=[c.id for c in comments[::2]]).update(end_ms=1500, drawing={"version": 1, "items": []})
    for version in await Version.filter(id__in=world.ids["Version"]):
        first = await Comment.filter(version_id=version.id, parent_id__isnull=True).order_by("id").first()
        await Comment.filter(id=first.id).update(resolved_at=utc_now(), resolved_by_id=version.created_by_id)


async def test_a_room_takes_no_statement_for_each_comment(desk: Desk) -> None:
    counted, plainly = set(), set()
    for size in (1, 2, 3):
        world = await a_world(size)
        await furnish(world)
        team = encode_id("Team", world.ids["Team"][0])
        answer, asker = await both(desk, world.viewer, PAGE, id=team)
        nodes = [c for v in answer["data"]["team"]["videos"]["nodes"] for c in v["comments"]["nodes"]]
        assert {c["reactions"][0]["viewerReacted"] for c in nodes} == {True}
        assert {c["startTimecode"][:11] for c in nodes} >= {"00:00:00:00"}
        assert {c["endFrame"] for c in nodes} <= {None, 37}
        assert {len(c["mentions"]) for c in nodes} == {c["bodyHtml"].count("<span") for c in nodes} == {1}
        counted.add(asker.statements.total())
        plain = desk.asker(world.viewer, plain=True)
        await plain.data(PAGE, id=team)
        plainly.add(plain.statements.total())
    assert counted == {STATEMENTS}
    assert len(plainly) == 1


async def test_frames_that_are_looked_up_take_one_statement_the_first_time(desk: Desk) -> None:
    """However many versions there are, and however many comments on them; planned and plainly."""
    for size in (1, 3):
        world = await a_world(size)
        await furnish(world)
        await list_frames(world, [0, 40, 1000, 1400])
        team = encode_id("Team", world.ids["Team"][0])
        taken = []
        for plain in (False, False, True):
            asker = desk.asker(world.viewer, plain=plain)
            answer = await asker.data(PAGE, id=team)
            nodes = [c for v in answer["team"]["videos"]["nodes"] for c in v["comments"]["nodes"]]
            assert {c["endFrame"] for c in nodes} >= {3}
            assert {c["startTimecode"] for c in nodes} == {None}
            taken.append(sum(count for text, count in asker.statements.items() if "frame_tables" in text))
        assert taken == [1, 0, 0], "a table never changes"


async def list_frames(world: World, times: list[int]) -> None:
    """Makes the frames of all versions begin at these milliseconds."""
    for version in await Version.filter(id__in=world.ids["Version"]):
        about = {"team_id": version.team_id, "video_id": version.video_id, "created_by_id": version.created_by_id}
        table = await FrameTable.create(packed=packed(times), **about)
        await Version.filter(id=version.id).update(frame_table_id=table.id, variable_frame_rate=True)


async def test_one_asker_is_not_taken_for_another(desk: Desk) -> None:
    """The same text of SQL means the asker once and a given person the other time: `mine` and `authorId`."""
    world = await a_world(2)
    await furnish(world)
    version, team_id = encode_id("Version", world.ids["Version"][0]), world.ids["Team"][0]
    mate = Viewer(world.ids["User"][1], new_id())
    author = encode_id("User", world.viewer.user_id)
    for _ in range(2):
        for viewer, filter_, expected in (
            (world.viewer, {"mine": True}, 2),
            (mate, {"mine": True}, 0),
            (mate, {"authorId": author}, 2),
            (world.viewer, {"authorId": encode_id("User", mate.user_id)}, 0),
            (mate, {"mine": True, "authorId": author}, 0),
            (world.viewer, {"mentioningMe": True}, 2),
            (mate, {"mentioningMe": True}, 0),
            (mate, {"mentioningMe": True, "authorId": author}, 0),
            (world.viewer, {"mine": True, "state": "OPEN"}, 1),
            (world.viewer, {"state": "RESOLVED"}, 1),
        ):
            answer, asker = await both(desk, viewer, NARROWED, id=version, filter=filter_)
            found = answer["data"]["version"]
            assert found["comments"]["totalCount"] == len(found["comments"]["nodes"]) == expected, filter_
            assert (found["openThreadCount"], found["resolvedThreadCount"]) == (1, 1)
            assert asker.statements.total() == 1
    for filter_ in ({"mine": True}, {"mentioningMe": True}):
        answer, _ = await both(desk, ScopeViewer(team_id, "admin"), NARROWED, id=version, filter=filter_)
        assert answer["data"]["version"]["comments"]["nodes"] == [], "a whole role is nobody"


async def test_what_was_withdrawn_is_seen_and_counted_by_nobody(desk: Desk) -> None:
    world = await a_world(2)
    await CommentEdit.filter(id=world.ids["CommentEdit"][0]).update(withdrawn_at=utc_now())
    comment = (await CommentEdit.get(id=world.ids["CommentEdit"][0])).comment_id
    asked = "query ($id: ID!) { comment(id: $id) { editCount edits { totalCount nodes { id } } } }"
    answer, _ = await both(desk, world.viewer, asked, id=encode_id("Comment", comment))
    left = [{"id": encode_id("CommentEdit", world.ids["CommentEdit"][1])}]
    assert answer["data"]["comment"] == {"editCount": 1, "edits": {"totalCount": 1, "nodes": left}}
