"""`make plan OPERATION=file.graphql`: what the running product reads for an operation, and how long that takes."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    parse,
)
from rich.console import Console
from rich.table import Table

from domain.permissions import Role
from local.client import Client, OperationFailed, with_fragments
from local.people import PEOPLE, password_of
from local.programs import ROOT


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, its text with all its fragments, and the variables that were given."""

    operation: OperationDefinitionNode
    query: str
    variables: dict[str, Any]


SAMPLES = """
query Samples {
  viewer {
    memberships(first: 1) {
      nodes {
        team {
          id
          videos(first: 1) {
            nodes {
              id
              jobs(first: 1) { nodes { id } }
              comments(first: 1) { nodes { id } }
              latestVersion { id }
            }
          }
        }
      }
    }
  }
}
"""
"""Something of each kind, to be asked for where a variable is an id and none is given."""


async def show(console: Console, url: str, data: Path, asked: Asked) -> bool:
    """Runs the operation as the owner of the demo team and prints its plan; whether it was answered without errors."""
    email = PEOPLE[Role.OWNER][1]
    async with Client(url) as client:
        await client.sign_in(email, password_of(email, (data / "secret").read_text().strip()))
        variables = _filled(asked.operation, asked.variables, await _samples(client))
        client.http.headers["X-Plan"] = "analyze"
        answer = await client.ask(asked.query, None, variables)
    told = answer.get("extensions", {}).get("plan")
    if told is not None:
        _print(console, told, variables)
    for error in answer.get("errors", ()):
        console.print(error["message"], error.get("path", ""), style="red", markup=False)
    return "errors" not in answer


def _print(console: Console, told: dict[str, Any], variables: dict[str, Any]) -> None:
    how = "planned" if told["path"] == "planned" else f"plain path: {told['reason']} ({told['detail']})"
    console.print(f"{how}   variables {orjson.dumps(variables).decode()}", style="bold", markup=False)
    for statement in told["statements"]:
        console.print(f"\n{statement['sql']}", soft_wrap=True, markup=False, highlight=False)
        table = Table("level", "rows", "ms in the database", title=f"{statement['milliseconds']} ms there and back")
        for level in statement["levels"]:
            table.add_row(level["path"] or "rows", str(level["rows"]), str(level.get("milliseconds", "")))
        console.print(table)


async def _samples(client: Client) -> dict[str, str]:
    """A global id by the name of the root field that takes one."""
    memberships = (await client.ask(SAMPLES))["data"]["viewer"]["memberships"]["nodes"]
    team = memberships[0]["team"]
    video: dict[str, Any] = next(iter(team["videos"]["nodes"]), {})
    found = {"team": team, "video": video, "node": video, "version": video.get("latestVersion")}
    found |= {noun: next(iter(video.get(f"{noun}s", {}).get("nodes", ())), None) for noun in ("job", "comment")}
    return {name: row["id"] for name, row in found.items() if row}


def _filled(operation: OperationDefinitionNode, given: dict[str, Any], samples: dict[str, str]) -> dict[str, Any]:
    """The variables, with something of the demo team wherever an id of a root field is missing."""
    variables = dict(given)
    fields = [part for part in operation.selection_set.selections if isinstance(part, FieldNode)]
    for name, argument in ((field.name.value, argument) for field in fields for argument in field.arguments or ()):
        if isinstance(argument.value, VariableNode) and name in samples:
            variables.setdefault(argument.value.name.value, samples[name])
    return variables


def asked_in(file: Path, name: str | None, variables: str) -> Asked:
    """The operation of a file, with its fragments; the end of the process where it is not clear which."""
    parts = parse(file.read_text(encoding="utf-8")).definitions
    operations = {p.name.value if p.name else "": p for p in parts if isinstance(p, OperationDefinitionNode)}
    fragments = {p.name.value: p for p in parts if isinstance(p, FragmentDefinitionNode)}
    if name is None and len(operations) == 1:
        (name,) = operations
    if name not in operations:
        sys.exit(f"Say which by NAME=, one of: {', '.join(sorted(operations))}.")
    return Asked(operations[name], with_fragments(operations[name], fragments), orjson.loads(variables))


def main() -> None:
    """The command: exit status 1 when the answer has errors."""
    parser = argparse.ArgumentParser(prog="make plan OPERATION=…", description=__doc__)
    parser.add_argument("file", type=Path, help="with operations in GraphQL")
    parser.add_argument("--name", help="which of them, where there are several")
    parser.add_argument("--variables", default="{}", help="as JSON; ids of the demo team stand in for missing ones")
    parser.add_argument("--url", default=f"http://127.0.0.1:{os.environ.get('PORT') or 8000}")
    parser.add_argument("--data", type=Path, default=ROOT / ".data")
    given = parser.parse_args()
    try:
        asked = asked_in(given.file, given.name or None, given.variables or "{}")
        answered = asyncio.run(show(Console(), given.url, given.data, asked))
    except httpx.ConnectError:
        sys.exit(f"Nothing answers at {given.url}: run `make run` first, in another terminal.")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}.")
    except KeyError as error:
        sys.exit(f"There is no fragment {error} in that file or in web/operations.")
    except (GraphQLSyntaxError, orjson.JSONDecodeError, OperationFailed) as error:
        sys.exit(str(error))
    sys.exit(0 if answered else 1)


if __name__ == "__main__":
    main()
