"""Rows become the very models that Tortoise would make of them."""

from datetime import datetime
from typing import Any

import pytest
from tortoise.models import Model

import models as rooms
from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from domain.videos import VideoStatus
from models import Comment, Member, Team, Video
from models.base import Row
from tests.factories import Factory

KINDS = [kind for name in rooms.__all__ if issubclass(kind := getattr(rooms, name), Row)]


def by_tortoise(kind: type[Row], **given: Any) -> Row:
    """A new row, as Tortoise makes it."""
    row = kind.__new__(kind)
    Model.__init__(row, **given)
    return row


def state(row: Row) -> dict[str, Any]:
    """All of it, without what is new each time that one is made."""
    return {name: value for name, value in vars(row).items() if name != "id" and not isinstance(value, datetime)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_new_row_has_the_same_state(models: None, kind: type[Row]) -> None:
    given = {name: new_id() for name in kind._meta.fields_db_projection if name.endswith("_id")}
    made, known = kind(**given), by_tortoise(kind, **given)
    assert state(made) == state(known)
    assert vars(made).keys() == vars(known).keys()
    assert kind()._await_when_save is not kind()._await_when_save


def test_values_get_the_type_of_their_column(models: None) -> None:
    member = Member(team_id=new_id(), user_id=new_id(), role="owner")
    assert member.role is Role.OWNER
    assert Video(title="A cut", status="ready").status is VideoStatus.READY


def test_no_two_rows_share_a_default(models: None) -> None:
    one, another = Video(title="A cut"), Video(title="A cut")
    one.tags.append("draft")
    assert another.tags == []


def test_what_is_no_column_is_left_to_tortoise(models: None) -> None:
    team = Team(name="Crew")
    team._saved_in_db = True
    assert Video(title="A cut", team=team).team_id == team.id
    with pytest.raises(ValueError, match="title is non nullable field"):
        Video(title=None)


async def test_a_row_that_was_read_has_the_same_state(models: None) -> None:
    factory = Factory("http://unused")
    comment = await factory.comment(await factory.version(await factory.video(await factory.crew())))
    for kind in (Comment, Video, Team, Member):
        (values,) = await kind.all().order_by("-id").limit(1).values()
        columns = {kind._meta.fields_db_projection[name]: value for name, value in values.items()}
        made, known = kind._init_from_db(**columns), Model._init_from_db.__func__(kind, **columns)
        assert vars(made) == vars(known)
        assert vars(kind.of_values(columns.values())) == vars(known)
    (some,) = await Comment.filter(id=comment.id).only("id", "body")
    assert (some.body, some._partial) == (comment.body, True)
    assert (await Comment.get(id=comment.id)).created_at <= utc_now()
    await factory.close()
