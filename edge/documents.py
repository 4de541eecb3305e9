"""Which document a request means: its own text, one that is registered, or one that was sent before.

Clients that name a document by its hash do it in the form that Apollo's do: `extensions.persistedQuery`, with
`version` 1 and `sha256Hash`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from graphql import GraphQLError

from edge.codes import EdgeCode
from gateways.documents import SharedDocuments
from plan.codes import RequestCode
from plan.documents import Kept, weight
from plan.effort import turn
from plan.engine import Engine
from plan.manifest import HASH, hash_of
from plan.requests import Operation, Request, RequestRefused

CHARACTERS_KEPT = 400_000
"""Of documents that clients have sent to be asked for by their hash."""


class Documents:
    """What may be asked for by its hash: registered documents, and, unless it is `only` these, whatever was sent once.

    A document that is not sound is not kept, so that nobody is told of it twice.
    """

    def __init__(self, engine: Engine, registered: Mapping[str, str], shared: SharedDocuments, *, only: bool) -> None:
        self._engine = engine
        self._registered = registered
        self._texts = frozenset(registered.values())
        self._shared = shared
        self._only = only
        self._kept: Kept[str, str] = Kept(CHARACTERS_KEPT)

    async def operation(self, request: Request) -> Operation:
        """The operation that a request means; RequestRefused where there is none, or it is not allowed.

        A new document is looked at when it is the client's turn.
        """
        named = request.extensions.get("persistedQuery")
        if self._only:
            return self._engine.operation(self._registered_one(request, named))
        if named is None:
            return await self._judged(request)
        hashed = _hash(named, request)
        if not request.query:
            return await self._judged(request._replace(query=await self._found(hashed)))
        operation = await self._judged(request)
        await self._keep(hashed, request.query)
        return operation

    async def _judged(self, request: Request) -> Operation:
        """What was found by its hash may be new, too: more texts are kept than documents that are known to be sound."""
        if request.query and not self._engine.knows(request.query):
            await turn()
        return self._engine.operation(request)

    def _registered_one(self, request: Request, named: Any) -> Request:
        if named is None or request.query:
            if named is not None:
                _hash(named, request)
            if request.query not in self._texts:
                raise _refused("Only registered documents are answered here.", EdgeCode.QUERY_NOT_IN_SAFELIST)
            return request
        text = self._registered.get(_hash(named, request))
        if text is None:
            raise _refused("No document of this hash is registered here.", EdgeCode.PERSISTED_QUERY_NOT_IN_LIST)
        return request._replace(query=text)

    async def _found(self, hashed: str) -> str:
        text = self._registered.get(hashed) or self._kept.find(hashed)
        if text is not None:
            return text
        text = await self._shared.find(hashed)
        if text is None or hash_of(text) != hashed:
            # Clients know these words, look for them in an answer that went well, and send the text.
            raise _refused("PersistedQueryNotFound", EdgeCode.PERSISTED_QUERY_NOT_FOUND, status=200)
        self._kept.put(hashed, text, weight(text))
        return text

    async def _keep(self, hashed: str, text: str) -> None:
        """Also what is known here: who sends a text has been told, by another process, that it is not."""
        if hashed in self._registered:
            return
        self._kept.put(hashed, text, weight(text))
        await self._shared.keep(hashed, text)


def _hash(named: Any, request: Request) -> str:
    """The hash that a request names, which is that of its text if it has one."""
    if not isinstance(named, Mapping) or named.get("version") != 1:
        raise _refused("`extensions.persistedQuery` must be an object of version 1.")
    hashed = named.get("sha256Hash")
    if not isinstance(hashed, str) or not HASH.fullmatch(hashed):
        raise _refused("`extensions.persistedQuery.sha256Hash` must be a SHA-256 in hex.")
    if request.query and hash_of(request.query) != hashed:
        raise _refused("`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`.")
    return hashed


def _refused(message: str, code: StrEnum = RequestCode.BAD_REQUEST, *, status: int = 400) -> RequestRefused:
    return RequestRefused([GraphQLError(message)], code, status)
