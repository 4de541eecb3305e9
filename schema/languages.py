"""The languages of the product, and the words for clients' interfaces."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import strawberry

from i18n.bundles import Bundle, bundle, namespaces, nearest
from i18n.languages import Language, languages
from schema.enums import describe
from schema.scalars import Json


class TextDirection(StrEnum):
    """In which direction a language is written."""

    LTR = "ltr"
    RTL = "rtl"


describe(
    TextDirection,
    "In which direction a language is written, as HTML's `dir`.",
    LTR="From left to right.",
    RTL="From right to left.",
)


def _texts(root: MessageBundle) -> Json:
    found = bundle(root.locale, root.namespace)
    assert found is not None
    return Json(dict(found.texts))


@strawberry.type(description="The words of one part of a client's interface, in one language.")
class MessageBundle:
    """Answer of `messages`. Its texts have a resolver so that they are paid for wherever they are asked for."""

    locale: str = strawberry.field(description="The language: the nearest to the one that was asked for.")
    namespace: str = strawberry.field(description="The part, for example `review`.")
    version: str = strawberry.field(description="Changes with any of the words: what is kept under it stays right.")
    url: str = strawberry.field(description="Where the same lies as JSON, for good: a path of this server.")
    texts: Json = strawberry.field(
        resolver=_texts,
        description="The texts by their keys, as ICU writes messages (`{days, plural, one {…} other {…}}`), for "
        "FormatJS. For i18next each form of a plural is there under its key and category, `left_one`. See "
        "docs/clients.md.",
    )


def _bundles(root: SpokenLanguage) -> list[MessageBundle]:
    found = (bundle(root.code, namespace) for namespace in namespaces())
    return [_told(each) for each in found if each is not None]


@strawberry.type(name="Language", description="A language that the product speaks.")
class SpokenLanguage:
    """Item of `locales`."""

    code: str = strawberry.field(description="As a BCP 47 tag.")
    name: str = strawberry.field(description="What its readers call it.")
    direction: TextDirection = strawberry.field(description="In which direction it is written.")
    completeness: float = strawberry.field(description="The share of messages that are translated, 0–1.")

    bundles: list[MessageBundle] = strawberry.field(
        resolver=_bundles, description="The words for clients, part by part.", metadata={"items": 20}
    )


def locales() -> list[SpokenLanguage]:
    """Resolver of `locales`."""
    return [_spoken(each) for each in languages()]


def messages(
    locale: Annotated[
        str,
        strawberry.argument(
            description="A BCP 47 tag, for example `pt-BR`; or exactly `en-XA`, English with accents, longer and in "
            "brackets: beside it is seen what a client does not translate."
        ),
    ],
    namespace: Annotated[str, strawberry.argument(description="The part, for example `review`.")],
) -> MessageBundle | None:
    """Resolver of `messages`."""
    found = bundle(nearest(locale), namespace)
    return _told(found) if found else None


def _spoken(language: Language) -> SpokenLanguage:
    return SpokenLanguage(**{**language._asdict(), "direction": TextDirection(language.direction)})


def _told(found: Bundle) -> MessageBundle:
    return MessageBundle(locale=found.locale, namespace=found.namespace, version=found.version, url=found.path)
