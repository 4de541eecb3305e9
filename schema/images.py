"""The pictures that are attached to comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry

from plan.scalars import SafeInt
from resolvers import comments
from schema.context import Context


@strawberry.type(description="A picture attached to a comment: upright, with no side longer than 2,560 pixels.")
class CommentImage:
    """The image of a comment."""

    url: str = strawberry.field(description="The picture, WebP. Signed, expires.")
    width: int = strawberry.field(description="In pixels.")
    height: int = strawberry.field(description="In pixels.")


async def images(context: Context, rows: Sequence[Any]) -> list[CommentImage | None]:
    """Of each comment of a level its picture, if there is one to be seen."""
    urls = await comments.image_urls(context.caller, rows)
    return [
        CommentImage(url=url, width=row["image_width"], height=row["image_height"]) if url else None
        for url, row in zip(urls, rows, strict=True)
    ]


@strawberry.input(description="A picture to come.")
class StartCommentImageInput:
    """Input of `startCommentImage`."""

    comment_id: strawberry.ID = strawberry.field(description="A comment of yours.")
    file_name: str = strawberry.field(description="1–255 characters.")
    size: SafeInt = strawberry.field(description="Its size in bytes: a PNG, JPEG or WebP of at most 10 MiB.")
