"""Whatever is declared wrongly fails when the types are joined, with a sentence that says where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tortoise.expressions import Q, Subquery

import models
from domain.ids import new_id
from domain.viewers import ANONYMOUS, NOBODY, Viewer
from plan import Connection, Node, column, computed, count_of, first_of, link, node, node_of, to_many, to_one
from plan.nodes import NODES
from plan.predicates import conditioned, template_of
from plan.writing import Given, Writing

Declare = Callable[..., Any]


@pytest.fixture
def declare(desk: Any) -> Iterator[Declare]:
    """Declares the type `Trial` over videos, for the length of one test, and joins it to the others."""
    known = dict(NODES)

    def trial(visible: Any = models.Video.visible_to, **fields: tuple[Any, Any]) -> None:
        annotations = {name: kind for name, (kind, _) in fields.items()}
        values = {name: declared for name, (_, declared) in fields.items()}
        cls = type(
            "Trial", (Node,), {"__annotations__": annotations, "__module__": __name__, "__doc__": "T.", **values}
        )
        node(table=models.Video, visible=visible)(cls)
        link([ANONYMOUS])

    yield trial
    NODES.clear()
    NODES.update(known)


def version() -> type:
    return NODES["Version"].cls


def versions(**more: Any) -> tuple[Any, Any]:
    return Connection[version()], to_many(**({"key": "video_id", "order": "number", "description": "d"} | more))


def test_what_is_declared_well_is_joined(declare):
    declare(
        title=(str, column(description="d")),
        newest=(version() | None, first_of("video_id", order="-number", description="d")),
        length=(int | None, column("duration_ms", through="newest", description="d")),
        versions=versions(),
        how_many=(int, count_of("versions", description="d")),
        maker=(NODES["User"].cls, to_one("created_by_id", description="d")),
        age=(str, computed("created_at", by=str, description="d")),
    )
    assert set(NODES["Trial"].columns) == {"id", "title", "created_by_id", "created_at"}
    assert {"video_id", "number", "duration_ms"} <= set(NODES["Version"].columns)


def wrong() -> dict[str, tuple[Callable[[], dict[str, Any]], str]]:
    """What is declared wrongly, and what the error must name."""

    def newest() -> tuple[Any, Any]:
        return version() | None, first_of("video_id", order="-number", description="d")

    return {
        "column": (
            lambda: {"nothing": (str, column(description="d"))},
            "Trial: the table videos has no column nothing",
        ),
        "column by name": (lambda: {"title": (str, column("gone", description="d"))}, "videos has no column gone"),
        "computed": (lambda: {"x": (str, computed("gone", by=str, description="d"))}, "videos has no column gone"),
        "to_one": (lambda: {"x": (version(), to_one("gone", description="d"))}, "videos has no column gone"),
        "to_one of no node": (
            lambda: {"x": (str, to_one("created_by_id", description="d"))},
            "str.* is not declared with @node",
        ),
        "first_of": (
            lambda: {"x": (version(), first_of("gone", order="number", description="d"))},
            "Version: the table versions has no column gone",
        ),
        "to_many by key": (lambda: {"x": versions(key="gone")}, "Version: the table versions has no column gone"),
        "to_many by order": (lambda: {"x": versions(order="-gone")}, "Version: the table versions has no column gone"),
        "order with nulls": (lambda: {"x": versions(order="audio_codec")}, "cannot be ordered by audio_codec"),
        "through nothing": (
            lambda: {"x": (int, column("number", through="gone", description="d"))},
            "Trial.x reads by gone",
        ),
        "through many": (
            lambda: {"x": (int, column("number", through="all", description="d")), "all": versions()},
            "Trial.x reads by all",
        ),
        "column through": (
            lambda: {"x": (int, column("gone", through="newest", description="d")), "newest": newest()},
            "Version: the table versions has no column gone",
        ),
        "count of nothing": (lambda: {"x": (int, count_of("gone", description="d"))}, "Trial.x reads by gone"),
        "count of one": (
            lambda: {"x": (int, count_of("newest", description="d")), "newest": newest()},
            "Trial.x reads by newest",
        ),
    }


@pytest.mark.parametrize("mistake", sorted(wrong()))
def test_a_mistake_is_named(declare, mistake):
    fields, message = wrong()[mistake]
    with pytest.raises(TypeError, match=message):
        declare(**fields())


def test_the_columns_of_an_order_point_one_way():
    with pytest.raises(TypeError, match="different ways"):
        to_many("video_id", order=("number", "-created_at"), description="d")


@pytest.mark.parametrize(
    ("order", "full"), [("number", ("number", "id")), ("-number", ("-number", "-id")), ("id", ("id",))]
)
def test_an_order_ends_with_the_id(order, full):
    assert first_of("video_id", order=order, description="d").declaration.order == full


def test_a_type_that_nobody_may_see_or_everybody_cannot_be_declared(declare):
    with pytest.raises(TypeError, match="visible"):
        node(table=models.Video)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="does not say who may see"):
        declare(visible=None)
    with pytest.raises(TypeError, match="visible to everybody"):
        declare(visible=lambda _viewer: Q())


def test_a_predicate_that_joins_cannot_be_declared(declare):
    with pytest.raises(TypeError, match="needs a join"):
        declare(visible=lambda _viewer: Q(team__name="Crew"))
    with pytest.raises(TypeError, match="needs a join"):
        template_of(models.Video, Q(Q(title="x"), Q(created_by__name="Ada"), join_type=Q.OR))


def test_a_predicate_may_refuse_some_viewers_but_not_all(declare):
    def picky(viewer: Any) -> Q:
        raise TypeError(f"not for {viewer}")

    with pytest.raises(TypeError, match="takes no viewer at all"):
        declare(visible=picky)


def test_a_type_without_a_declaration_is_no_node():
    with pytest.raises(TypeError, match="not declared with @node"):
        node_of(int)


def test_a_clients_values_are_parameters_after_those_that_are_there():
    writing = Writing()
    writing.parameter(Given(7))
    text = conditioned(NODES["Video"], Q(title="a") & ~Q(status="draft"), "v", writing)
    assert ("$2" in text, "$3" in text, '"v"."title"' in text) == (True, True, True)
    assert writing.values(None, ()) == (7, "a", "draft")
    assert "a" not in text.replace('"', " ").split()


def test_no_condition_adds_nothing():
    assert conditioned(NODES["Video"], Q(), "v", Writing()) == ""


def test_the_same_condition_is_rendered_once():
    assert template_of(models.Video, Q(title="same")) is template_of(models.Video, Q(title="same"))
    assert template_of(models.Video, Q(title="same")) is not template_of(models.Video, ~Q(title="same"))


def test_what_a_viewer_may_see_is_asked_once_for_all_levels():
    writing, viewer = Writing(), Viewer(new_id(), new_id())
    for alias in ("a", "b"):
        for name in ("Video", "User"):
            NODES[name].visibility.written(viewer, alias, writing)
    text = writing.text("SELECT 1", "Name")
    assert text.startswith("/* Name */ WITH ")
    assert text.count(' FROM "members"') == 2, "its teams, and who is in them"
    assert writing.values(viewer, ()) == (viewer.user_id,)


def test_a_negated_right_stays_negated():
    mine = models.Member.filter(user_id=NOBODY).values("team_id")
    text = template_of(models.Video, Q(team_id__not_in=Subquery(mine))).written("x", Writing())
    assert "<> ALL(" in text or "NOT" in text


@pytest.mark.parametrize("alone", [False, True])
def test_an_id_that_must_not_be_among_them_is_compared_with_all(alone):
    theirs = models.Member.filter(user_id=NOBODY).values("user_id")
    condition = template_of(models.User, Q(id__not_in=Subquery(theirs)))
    assert '"x"."id" <> ALL(' in condition.written("x", Writing(), alone=alone)


def test_a_predicate_may_not_tell_one_viewer_of_a_kind_from_another(declare):
    def partial(viewer: Any) -> Q:
        return Q(id=viewer.user_id) if getattr(viewer, "user_id", None) != NOBODY else Q(title="x")

    with pytest.raises(TypeError, match="depends on more than the kind"):
        declare(visible=partial)
