"""Documents known before anybody asks: a list of operations by the SHA-256 of their text.

The file has the format of Apollo's persisted query manifests, version 1, which its tools for web, iOS and Kotlin write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson
from graphql import OperationDefinitionNode, parse

_FORMAT, _VERSION = "apollo-persisted-query-manifest", 1
HASH = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """What was read is no manifest. The message is a sentence."""


def hash_of(document: str) -> str:
    """What a document is asked for by: its SHA-256, in hex."""
    return sha256(document.encode(errors="surrogatepass")).hexdigest()


def written(documents: Iterable[str]) -> bytes:
    """A manifest of documents that have one named operation each, in the order of their names."""
    operations = sorted(map(_entry, documents), key=lambda entry: entry["name"])
    manifest = {"format": _FORMAT, "version": _VERSION, "operations": operations}
    return orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(manifest: bytes) -> dict[str, str]:
    """The documents of a manifest by their hashes."""
    try:
        parsed = orjson.loads(manifest)
    except orjson.JSONDecodeError as error:
        raise ManifestError("The list of operations is not JSON.") from error
    if not isinstance(parsed, Mapping) or (parsed.get("format"), parsed.get("version")) != (_FORMAT, _VERSION):
        raise ManifestError(f"The list of operations is no {_FORMAT} of version {_VERSION}.")
    operations = parsed.get("operations")
    if not isinstance(operations, list):
        raise ManifestError("The list of operations has no `operations`.")
    return dict(map(_document, operations))


def _entry(document: str) -> dict[str, str]:
    (operation,) = [part for part in parse(document).definitions if isinstance(part, OperationDefinitionNode)]
    assert operation.name is not None, "what is registered has a name"
    kind = operation.operation.value
    return {"id": hash_of(document), "name": operation.name.value, "type": kind, "body": document}


def _document(entry: Any) -> tuple[str, str]:
    body = entry.get("body") if isinstance(entry, Mapping) else None
    if not isinstance(body, str) or entry.get("id") != hash_of(body):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        raise ManifestError(f"In the list of operations, the `id` of {name!r} is not the SHA-256 of its `body`.")
    return entry["id"], body
