"""`python -m local.event_guide`: writes docs/events.md, with every event others can be told of; `--check` compares.

It is made of the catalogue, `domain/webhooks/`. What stands above the mark in the file is written by hand.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from domain.events import EVENT_TYPES
from domain.webhooks.catalogue import EVENT_KINDS, WITHHELD, Kind, described
from domain.webhooks.examples import example
from domain.webhooks.schemas import schema
from local.errors import LocalError
from local.programs import ROOT

GUIDE = ROOT / "docs" / "events.md"
MARK = "<!-- From here on written by `make schema`, out of the catalogue. -->\n"
APP, API = "https://app.example.com", "https://studio.example.com"
_TO_COME = "**To come:** nothing makes it happen yet, but tests of an endpoint can have it."
_WHOLE = "comment.created"
"""The type whose example is shown whole."""


def tables() -> str:
    """All that is made of the catalogue, in Markdown."""
    return "\n".join((*_envelope(), *_listed(), *_described(), *_withheld())) + "\n"


def _envelope() -> Iterator[str]:
    shown, properties = _parts(EVENT_KINDS[_WHOLE])
    yield from ("## The envelope", f"Every event comes in one. A `{_WHOLE}`:", "", *_block(shown), "")
    yield from _table({name: each for name, each in properties.items() if name != "data"})
    yield from ("## What a comment says", "`data.comment`, of every event about one:", "")
    yield from _table(properties["data"]["properties"]["comment"]["properties"])


def _listed() -> Iterator[str]:
    yield from ("## Types", "| Type | When | Version |", "| --- | --- | --- |")
    for kind in EVENT_KINDS.values():
        name = f"[`{kind.type}`](#{kind.type.replace('.', '')})"
        yield f"| {name}{'' if kind.recorded else ' (to come)'} | {_cell(kind.description)} | {kind.version} |"
    yield ""


def _described() -> Iterator[str]:
    for kind in EVENT_KINDS.values():
        shown, properties = _parts(kind)
        yield from (f"## {kind.type}", kind.description + ("" if kind.recorded else f" {_TO_COME}"), "")
        own = {name: each for name, each in properties["data"]["properties"].items() if name != "comment"}
        yield from _table(own) if own else ("It has no fields of its own.", "")
        if "comment" in shown["data"]:
            shown["data"]["comment"] = {"…": "…"}
        yield from (*_block({"type": kind.type, "version": kind.version, "data": shown["data"]}), "")


def _withheld() -> Iterator[str]:
    yield from ("## What nobody outside is told", "These happen, and are offered to no endpoint.", "")
    yield from ("| Type | When | Why not |", "| --- | --- | --- |")
    for name, reason in WITHHELD.items():
        yield f"| `{name}` | {_cell(described(EVENT_TYPES[name]))} | {reason} |"


def _parts(kind: Kind) -> tuple[Any, Any]:
    """An example of its newest version, and the properties of its schema."""
    shown = example(kind, kind.version, app_url=APP, api_url=API)
    return shown, schema(kind, kind.version, api_url=API)["properties"]


def _block(shown: Any) -> Iterator[str]:
    yield from ("```json", json.dumps(shown, indent=2, ensure_ascii=False), "```")


def _table(properties: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| Field | Type | What it is |", "| --- | --- | --- |")
    for name, each in _flat(properties):
        yield f"| `{name}` | {_type(each)} | {_cell(each['description'])} |"
    yield ""


def _flat(properties: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, each in properties.items():
        yield f"{within}{name}", each
        yield from _flat(each.get("properties", {}), f"{within}{name}.")


def _type(of: Mapping[str, Any]) -> str:
    kinds = [of["type"]] if isinstance(of["type"], str) else of["type"]
    return " or ".join(f"{kind} of {of['items']['type']}s" if kind == "array" else kind for kind in kinds)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def written(present: str) -> str:
    """The whole page: what was written by hand in the `present` one, and what the catalogue says today."""
    by_hand, mark, _ = present.partition(MARK)
    if not mark:
        raise LocalError(f"docs/events.md lacks its mark: {MARK.strip()}")
    return by_hand + MARK + tables()


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where the file is not today's."""
    present = GUIDE.read_text(encoding="utf-8")
    try:
        page = written(present)
    except LocalError as error:
        sys.exit(str(error))
    if arguments != ["--check"]:
        GUIDE.write_text(page, encoding="utf-8")
    elif page != present:
        sys.exit("docs/events.md is not what the catalogue tells: run `make schema` and read the difference.")


if __name__ == "__main__":
    main(sys.argv[1:])
