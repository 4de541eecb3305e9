"""Finding videos by a text in their title or description: exactly those that contain it, in any case.

Two indexes lead there (`docs/decisions/0010-indexes-and-search.md`). One knows all three letters that follow each
other. It is no help where nothing is sought that has three, which in Japanese, Chinese and Korean is most searches: the
other one knows every character, and all two that follow each other. The functions in SQL come with the migrations.
"""

import re

from pypika_tortoise.context import SqlContext
from pypika_tortoise.enums import Matching
from pypika_tortoise.terms import BasicCriterion, Criterion, Function, Term
from tortoise.contrib.postgres.array_functions import PostgresArrayOperators
from tortoise.expressions import Q, ResolveContext
from tortoise.filters import escape_like
from tortoise.query_utils import QueryModifier

from models.indexes import SearchIndex

_TEXT = "search_kept(searched)"
INDEXES = [
    SearchIndex(fields=["team_id", f"{_TEXT} gin_trgm_ops"], name="idx_videos_search"),
    SearchIndex(fields=["team_id", f'search_pieces({_TEXT}) COLLATE "C"'], name="idx_videos_search_short"),
]
"""Of the table of videos. A search is always one within teams, so the team is part of the key."""

_THREE_LETTERS = re.compile(r"[^\W_]{3}")
_LONGEST_PIECE = 2


class _BytewiseFunction(Function):
    """A function whose texts are compared as the index compares them, whatever the locale of the database."""

    def get_sql(self, ctx: SqlContext) -> str:
        return f'{super().get_sql(ctx)} COLLATE "C"'


class TextFound(Q):
    """The videos in whose title or description `sought` is found.

    `sought` is on one line, without spaces around it or two together: see `domain.text.searchable`.
    """

    def __init__(self, sought: str) -> None:
        super().__init__(sought=sought)
        self._sought = sought

    def resolve(self, resolve_context: ResolveContext) -> QueryModifier:
        # Both texts, folded: PostgreSQL's own column, of which the model knows nothing.
        text = Function("search_kept", resolve_context.table.searched)
        return QueryModifier(where_criterion=_contains(text, self._sought))


def _contains(text: Term, sought: str) -> Criterion:
    """That `text`, which is folded already, contains `sought`, said so that an index can answer it."""
    if _THREE_LETTERS.search(sought):
        return BasicCriterion(Matching.like, text, Function("search_folded", f"%{escape_like(sought)}%"))
    pieces = BasicCriterion(
        PostgresArrayOperators.CONTAINS, Function("search_pieces", text), _BytewiseFunction("search_needle", sought)
    )
    if len(sought) <= _LONGEST_PIECE:
        return pieces  # it is one piece itself
    return pieces & (Function("strpos", text, Function("search_folded", sought)) > 0)
