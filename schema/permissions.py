"""The table of permissions for people: `docs/permissions.md`, with the fields that need each action."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry

from domain.permissions import PERMISSIONS, Audience, Role, Rule

_HEAD = """\
# Who may do what

Written by `make schema` out of [`domain/permissions.py`](../domain/permissions.py); `make check` sees to it that it is
today's. Every mutation, subscription and query names the action that it needs. Whoever is not in a team is told that
nothing of it exists. An API key acts as its person, with their roles, as far as its scopes go: one for `write` is good
for `read`, too. What is never for a key takes somebody who has signed in themselves.
"""
_COLUMNS = ("Action", "What it is", "Who may", "API key", "Needed by")
_WHO = {Audience.ANYONE: "anybody", Audience.SIGNED_IN: "whoever has signed in"}
_KINDS = ("query", "mutation", "subscription")


def guide(schema: strawberry.Schema) -> str:
    """The whole page, in Markdown."""
    fields = _fields(schema)
    parts = [_HEAD]
    for noun, actions in _by_noun().items():
        rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(action, fields.get(action, [])) for action in actions)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
        title = noun.replace("_", " ").capitalize().replace("Api", "API")
        parts.append(f"## {title}\n{table}\n")
    return "\n".join(parts)


def _by_noun() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for action in PERMISSIONS:
        found.setdefault(action.partition(":")[0], []).append(action)
    return found


def _row(action: str, fields: list[str]) -> tuple[str, ...]:
    rule = PERMISSIONS[action]
    return f"`{action}`", rule.description, _who(rule), _key(rule), ", ".join(fields)


def _who(rule: Rule) -> str:
    if isinstance(rule.holders, Audience):
        return _WHO[rule.holders]
    if rule.holders == frozenset(Role):
        return "every member"
    own = ["whoever made it"] if rule.own else []
    return ", ".join([*(role.value for role in Role if role in rule.holders), *own])


def _key(rule: Rule) -> str:
    if rule.scope is not None:
        return f"`{rule.scope.value}`"
    return "any" if rule.holders is Audience.ANYONE else "never"


def _fields(schema: strawberry.Schema) -> dict[str, list[str]]:
    """The root fields by the actions that they need."""
    found: dict[str, list[str]] = {}
    for action, field in _declared(schema):
        found.setdefault(action, []).append(field)
    return found


def _declared(schema: strawberry.Schema) -> Iterator[tuple[str, str]]:
    for kind in _KINDS:
        root = getattr(schema._schema, f"{kind}_type")  # noqa: SLF001 - the graphql-core schema
        for name, field in root.fields.items():
            yield field.extensions["strawberry-definition"].action, f"{kind} `{name}`"
