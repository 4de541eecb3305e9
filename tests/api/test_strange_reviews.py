"""What no player would send of a review: drawings, words and moments that are none, and names that mean harm."""

import json
from typing import Any

import pytest

from local.client import Client
from models import Comment, Version
from tests.api.test_comment_changes import STROKE, a_room, said, told
from tests.factories import Factory, gid

SAY = "mutation ($i: AddCommentInput!) { addComment(input: $i) { __typename ... on Invalid { path message } } }"
DRAW = "mutation {{ addComment(input: {{versionId: {version}, body: {body}, drawing: {drawing}}}) {{ __typename }} }}"
TEXT = {"kind": "text", "at": [0, 0], "text": "Here", "color": "#ffffff", "size": 0.1}


async def sent(client: Client, body: bytes) -> dict[str, Any]:
    """The answer to a body that no encoder would make."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {client.token}"}
    response = await client.http.post(f"{client.url}/graphql", content=body, headers=headers)
    assert len(response.content) < 10_000
    assert "INTERNAL" not in response.text, response.text
    return response.json()


def said_so(version: Version, part: str) -> bytes:
    """A comment of which one part is JSON as it stands here."""
    given = f'{{"versionId": "{gid(version)}", "body": "Hm", {part}}}'
    return f'{{"query": {json.dumps(SAY)}, "variables": {{"i": {given}}}}}'.encode()


def drawn(items: str) -> str:
    return f'"drawing": {{"version": 1, "items": {items}}}'


def point(x: str) -> str:
    return drawn(f'[{{"kind": "stroke", "points": [[{x}, 0]], "color": "#ff0000", "width": 0.01}}]')


LONG, WIDE, CODE, MANY = "x" * 900_000, "映" * 50_000, "00:" * 300_000, "1" + "0" * 300
DOOR = "at the door"
"""Refused before it is a comment."""
STRANGE: dict[str, tuple[str, str]] = {
    "a million strokes": (drawn("[" + "{}," * 340_000 + "{}]"), DOOR),
    "as many strokes as come in": (drawn("[" + "{}," * 15_000 + "{}]"), "drawing.items"),
    "as many points as come in": (point("0, 0], " + "[0, 0]," * 9_000 + "[0"), "drawing.items"),
    "nested a thousand deep": (drawn("[" * 900 + "]" * 900), "drawing.items.0.kind"),
    "beyond all numbers": (point("1e400"), DOOR),
    "no number": (point("NaN"), DOOR),
    "just too much": (point("1.0000000001"), "drawing.items.0.points.0.0"),
    "just too little": (point("-5e-324"), "drawing.items.0.points.0.0"),
    "a large whole number": (point("18446744073709551615"), "drawing.items.0.points.0.0"),
    "a hundred digits": (point("9" * 100), "drawing.items.0.points.0.0"),
    "true": (point("true"), "drawing.items.0.points.0.0"),
    "half a character": (drawn('[{"kind": "\\ud800"}]'), DOOR),
    "half a character in a name": ('"drawing": {"version": 1, "\\udfff": 1}', DOOR),
    "a zero byte in a name": ('"drawing": {"version": 1, "items": [], "\\u0000": 1}', "drawing.\0"),
    "a name of a megabyte": (f'"drawing": {{"{LONG}": 1}}', "drawing.items"),
    "a version of a megabyte": (f'"drawing": {{"version": "{LONG}", "items": []}}', "drawing.version"),
    "a kind of a megabyte": (drawn(f'[{{"kind": "{LONG}"}}]'), "drawing.items.0.kind"),
    "a drawing of a megabyte": (f'"drawing": "{LONG}"', "drawing"),
    "no drawing": ('"drawing": [[]]', "drawing"),
    "a number": ('"drawing": 1', "drawing"),
    "fifty thousand characters": (f'"body": "{WIDE}"', "body"),
    "a megabyte": (f'"body": "{LONG}"', "body"),
    "a pile of marks": ('"body": "a' + "\u0315\u0300" * 40 + '"', "body"),
    "a zero byte": ('"body": "a\\u0000"', "body"),
    "half a character in words": ('"body": "\\ud83d"', DOOR),
    "words that nobody sees": ('"body": "\\u200b\\u202e\\ufeff"', "body"),
    "words of spaces": ('"body": "\\u2003\\n\\u3000"', "body"),
    "a moment beyond all": ('"startMs": 1e400', DOOR),
    "a moment of many digits": (f'"startMs": {MANY}', DOOR),
    "half a moment": ('"startMs": 0.5', DOOR),
    "a moment as a text": ('"startMs": "0"', DOOR),
    "digits of another script": ('"startTimecode": "٠٠:٠٠:٠٠:٠٠"', "startTimecode"),
    "wide digits": ('"startTimecode": "００:００:００:００"', "startTimecode"),
    "a sign": ('"startTimecode": "+0:00:00:00"', "startTimecode"),
    "a line too many": ('"startTimecode": "00:00:00:00\\n"', "startTimecode"),
    "drop frames where none are dropped": ('"startTimecode": "00:00:00;00"', "startTimecode"),
    "a time code of a megabyte": (f'"startTimecode": "{CODE}"', "startTimecode"),
    "a time code with a zero byte": ('"startTimecode": "00:00:00:00\\u0000"', "startTimecode"),
}
"""Parts of a comment, and which of them is at fault."""


@pytest.mark.parametrize(("part", "at_fault"), STRANGE.values(), ids=list(STRANGE))
async def test_what_is_strange_is_refused_in_words(make: Factory, part: str, at_fault: str) -> None:
    crew, version = await a_room(make)
    answer = await sent(crew.viewer.client, said_so(version, part))
    if at_fault == DOOR:
        assert answer.get("data") is None
        assert answer["errors"][0]["extensions"]["code"] in ("BAD_REQUEST", "VALIDATION_FAILED"), answer
    else:
        refused = answer["data"]["addComment"]
        assert (refused["__typename"], refused["path"]) == ("Invalid", ["input", *at_fault.split(".")])
        assert len(refused["message"]) < 200
    assert not await Comment.exists(version_id=version.id)


@pytest.mark.parametrize(
    "x", ["1e400", "-1e400", "9" * 5000, "-" + "9" * 5000, "1e-400", '"0"', "null", "$x", "ENUM"], ids=lambda x: x[:10]
)
async def test_a_number_in_a_document_is_no_way_around(make: Factory, x: str) -> None:
    crew, version = await a_room(make)
    stroke = f'{{kind: "stroke", points: [[{x}, 2]], color: "#ff0000", width: 0.01}}'
    drawing = f"{{version: 1, items: [{stroke}]}}"
    document = DRAW.format(version=json.dumps(gid(version)), body='"Hm"', drawing=drawing)
    answer = await sent(crew.viewer.client, json.dumps({"query": document}).encode())
    assert "errors" in answer or answer["data"]["addComment"]["__typename"] == "Invalid", answer
    assert not await Comment.exists(version_id=version.id)


async def test_of_two_members_of_one_name_the_last_counts_and_nothing_is_less_than_nothing(make: Factory) -> None:
    crew, version = await a_room(make)
    part = f'"drawing": {{"version": 7, "version": 1, "items": [1], "items": [{json.dumps(STROKE)}]}}'
    answer = await sent(crew.viewer.client, said_so(version, part))
    assert answer["data"]["addComment"] == {"__typename": "Comment"}
    made = await said(crew.viewer.client, version, drawing={"version": 1, "items": [{**STROKE, "points": [[-0.0, 1]]}]})
    assert json.dumps(made["drawing"]["items"][0]["points"]) in ("[[0, 1]]", "[[0.0, 1.0]]")
    assert (await crew.owner.client.do("Comment", id=made["id"]))["drawing"] == made["drawing"]


async def test_words_on_a_picture_are_words(make: Factory) -> None:
    crew, version = await a_room(make)
    words = "</text><script>alert(1)</script>"
    drawing = {"version": 1, "items": [{**TEXT, "text": words}]}
    made = await said(crew.viewer.client, version, drawing=drawing)
    assert made["drawing"]["items"][0]["text"] == words
    for text in ("", " \u2003", "a\0", "x" * 201, "a" + "\u0301\u0315" * 40):
        given = {"version": 1, "items": [{**TEXT, "text": text}]}
        asked = {"versionId": gid(version), "body": "Hm", "drawing": given}
        expected = ("Invalid", ["input", "drawing", "items", "0", "text"])
        assert await told(crew.viewer.client, "AddComment", input=asked) == expected
