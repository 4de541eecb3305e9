"""From the words of the catalogs to a mail: its subject, its text, and the same in the layout."""

from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from domain.mails import MailKind
from gateways.mail import Mail
from i18n import LOCALES, direction, knows, translate
from i18n.directions import Direction
from workers.mails.groups import Listing, ShownListing, as_text, shown
from workers.mails.layout import fill
from workers.mails.values import harmless

NOTHING = Listing()
_OPENING_CHARACTERS = 140


@dataclass(frozen=True, slots=True)
class _Words:
    """Everything that a mail says, in one language, its values filled in."""

    locale: str
    subject: str
    heading: str
    before: list[str]
    action: str | None
    or_open: str
    after: list[str]
    because: str
    leave: str


@dataclass(frozen=True, slots=True)
class _Links:
    """Where a mail leads."""

    link: str | None
    unsubscribe: str | None
    installation: str | None


def compose(
    kind: MailKind,
    to: str,
    locale: str,
    *,
    link: str | None = None,
    unsubscribe: str | None = None,
    public_url: str | None = None,
    listing: Listing = NOTHING,
    **values: object,
) -> Mail:
    """The mail of that kind: its words from `mail.<kind>` in `locale`, with `values` in their braces.

    Args:
        kind: what it is about.
        to: a bare address.
        locale: its reader's language.
        link: where its button leads (https); a kind that has a button needs it.
        unsubscribe: where such mails are ended (see `Mail`), which the footer then offers, too.
        public_url: the installation that the footer names; without it, the one that `link` leads to.
        listing: what it lists, between its words.
        values: text of anybody's. It can become neither markup nor a link, and fills the braces of words alone.

    Raises KeyError where a value of the words is missing, and ValueError for links that are none.

    """
    links = _links(link, unsubscribe, public_url, *(group.link for group in listing.groups))
    locale = locale if locale in LOCALES else LOCALES[0]  # as the words are: it is written over them
    turn = direction(locale)
    words = _words(kind, locale, {name: _harmless(value, turn) for name, value in values.items()})
    if (words.action is None) != (link is None):
        raise ValueError(f"a {kind} mail has {'no' if words.action is None else 'a'} button")
    ways = {"lang": locale, "dir": turn, "start": "left" if turn == "ltr" else "right"}
    listed = shown(listing, locale, turn)
    html = fill({**ways, **asdict(words), **asdict(links), **listed._asdict(), "opening": _opening(words)})
    return Mail(to, words.subject, _text(words, links, listed), html, unsubscribe)


def _harmless(value: object, turn: Direction) -> object:
    """A value whose text is: what is no text is written by us."""
    if isinstance(value, list | tuple):
        return [harmless(each, turn) for each in value]
    return harmless(value, turn) if isinstance(value, str) else value


def _words(kind: MailKind, locale: str, values: dict[str, object]) -> _Words:
    def say(key: str) -> str:
        return translate(locale, f"mail.{kind}.{key}", **values)

    def maybe(key: str) -> str | None:
        return say(key) if knows(f"mail.{kind}.{key}") else None

    return _Words(
        locale=locale,
        subject=say("subject"),
        heading=say("heading"),
        before=_paragraphs(say("text")),
        action=maybe("action"),
        or_open=translate(locale, "mail.or_open"),
        after=_paragraphs(maybe("after") or ""),
        because=maybe("because") or translate(locale, "mail.because"),
        leave=translate(locale, "mail.leave"),
    )


def _paragraphs(text: str) -> list[str]:
    return [" ".join(each.split("\n")) for each in text.split("\n\n") if each.strip()]


def _links(link: str | None, unsubscribe: str | None, public_url: str | None, *others: str) -> _Links:
    for each in (link, unsubscribe, public_url, *others):
        if each is not None and not _is_web(each):
            raise ValueError("a link in a mail begins with https://")
    return _Links(link, unsubscribe, public_url or _origin(link))


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable() and not set(' <>"') & set(url)


def _origin(link: str | None) -> str | None:
    if link is None:
        return None
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}"


def _opening(words: _Words) -> str:
    """What mail programs show beside the subject."""
    return " ".join(words.before)[:_OPENING_CHARACTERS]


def _text(words: _Words, links: _Links, listed: ShownListing) -> str:
    button = [_leading(words.locale, words.action, links.link)] if words.action else []
    leave = [_leading(words.locale, words.leave, links.unsubscribe)] if links.unsubscribe else []
    because = "-- \n" + "\n".join(filter(None, [words.because, links.installation]))
    told = [words.heading, *words.before, *as_text(listed), *button, *words.after, because, *leave]
    return "\n\n".join(told) + "\n"


def _leading(locale: str, said: str, address: str | None) -> str:
    """Words above the address to which they lead: languages have colons of their own."""
    return f"{translate(locale, 'mail.above_address', said=said)}\n{address}"
