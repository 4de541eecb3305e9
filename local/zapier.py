"""`python -m local.zapier`: writes what integrations/zapier knows of the product, out of the product itself.

`events.json` has the events that a Zap can begin with, `operations.json` the texts of those of `web/operations` that
its actions run: these are answered also where only registered documents are. With `--check` it only compares.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from domain.webhooks.catalogue import EVENT_KINDS, Kind
from domain.webhooks.examples import example
from domain.webhooks.schemas import Schema, schema
from local.client import document
from local.programs import ROOT

FOLDER = ROOT / "integrations" / "zapier"
OPERATIONS = (
    *("Viewer", "Library", "Video", "CreateVideo", "DeleteVideo", "AddComment"),
    *("StartUpload", "CompleteUpload", "DiscardUpload"),
)
SOMEWHERE = "https://video.example.com"
"""In the place of an installation's address."""
_TYPES = {"string": "string", "integer": "integer", "boolean": "boolean"}


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where a file is not today's."""
    for name, text in (("events.json", _events()), ("operations.json", _lines(operations()))):
        file = FOLDER / name
        if arguments != ["--check"]:
            file.write_bytes(text)
        elif not file.exists() or file.read_bytes() != text:
            sys.exit(f"{file.relative_to(ROOT)} is not what the product says: run `make zapier`.")


def _events() -> bytes:
    """One a line, so that a change can be read."""
    lines = b",\n".join(map(orjson.dumps, events()))
    return b'{"fields": %s,\n"events": [\n%s\n]}\n' % (orjson.dumps(envelope_fields()), lines)


def _lines(value: dict[str, str]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def operations() -> dict[str, str]:
    """Name → text, as it is registered."""
    return {name: document(name) for name in OPERATIONS}


def events() -> list[dict[str, Any]]:
    """The events in the terms of Zapier's triggers."""
    return [_trigger(kind) for kind in EVENT_KINDS.values()]


def envelope_fields() -> list[dict[str, Any]]:
    """What can be chosen of every event; of the path without the team, which is told by itself."""
    kind = next(iter(EVENT_KINDS.values()))
    told = schema(kind, kind.version, api_url=SOMEWHERE)["properties"]
    found = _fields({name: each for name, each in told.items() if name not in ("id", "data")})
    own = {"key": "id", "label": "Event", "type": "string", "primary": True}
    return [own, *(field for field in found if not field["key"].startswith("path__team__"))]


def _trigger(kind: Kind) -> dict[str, Any]:
    data = schema(kind, kind.version, api_url=SOMEWHERE)["properties"]["data"]["properties"]
    return {
        "type": kind.type,
        "key": kind.type.replace(".", "_"),
        "label": _titled(kind.type),
        "noun": _titled(kind.type.partition(".")[0]),
        "description": _described(kind),
        "recorded": kind.recorded,
        "aboutVideo": "video_id" in data,
        "fields": list(_fields(data, "data")),
        "sample": example(kind, kind.version, app_url=SOMEWHERE, api_url=SOMEWHERE),
    }


def _described(kind: Kind) -> str:
    """A sentence of the catalog, as the end of “Triggers when”; Zapier shows no Markdown."""
    said = kind.description.replace("`", "")
    later = "" if kind.recorded else " Nothing makes this happen yet."
    return f"Triggers when {said[:1].lower()}{said[1:]}{later}"


def _fields(properties: Mapping[str, Schema], *path: str) -> Iterator[dict[str, Any]]:
    """What a value is called by which its parts can be chosen: `path__video__title`. Lists are left to the sample."""
    for name, told in properties.items():
        kinds = [told["type"]] if isinstance(told.get("type"), str) else told.get("type", [])
        if "object" in kinds:
            yield from _fields(told.get("properties", {}), *path, name)
        elif kind := next(filter(_TYPES.get, kinds), None):
            key = "__".join((*path, name))
            type_ = "datetime" if told.get("format") == "date-time" else _TYPES[kind]
            yield {"key": key, "label": _labelled(*path, name), "type": type_}


def _labelled(*path: str) -> str:
    """`path`, `video`, `title` → `Video title`."""
    outer = [part for part in path if part not in ("path", "data")]
    words = " ".join(outer).replace("_", " ").replace(" id", " ID")
    return words[:1].upper() + words[1:]


def _titled(name: str) -> str:
    return name.replace(".", " ").replace("_", " ").title()


if __name__ == "__main__":
    main(sys.argv[1:])
