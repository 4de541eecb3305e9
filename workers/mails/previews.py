"""`python -m workers.mails.previews`, behind `make mails`: how every mail looks, and what it says, in `docs/mails/`."""

from datetime import date, datetime
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.mails import MailKind
from gateways.mail import Mail
from i18n import LOCALES, knows, translate
from i18n.catalogs import DEFAULT, braces
from workers.mails.composing import NOTHING, compose
from workers.mails.groups import Group, Line, Listing

FOLDER = Path(__file__).parents[2] / "docs" / "mails"
SAMPLES: dict[str, object] = {
    "name": "Ada Lovelace",
    "inviter": "Charles Babbage",
    "team": "Engines",
    "email": "ada@example.com",
    "hours": 24,
    "left": 9,
    "label": "Export",
    "provider": "company",
    "asker": "Charles Babbage",
    "teams": ["Engines", "Looms"],
    "days": 7,
    "day": date(2026, 11, 28),
    "video": "Analytical Engine",
    "host": "hooks.example.com",
    "hosts": ["hooks.example.com", "hooks.example.org"],
}
"""What stands in the braces of the words."""
_RULE = f"\n{'=' * 120}\n\n"
_AT = datetime(2026, 11, 28, 17, 5, tzinfo=ZoneInfo("Europe/London"))
_BY_OTHERS = {"person": "Charles Babbage", "others": 2, "video": "Analytical Engine"}
GROUPS = (
    Group(
        "Analytical Engine",
        "https://studio.example/videos/1",
        [
            Line("notification.comment_others", _BY_OTHERS, _AT, "The second half is too fast."),
            Line(
                "notification.reply", {"person": "Ada King", "count": 1, "video": "Analytical Engine"}, _AT, "Agreed."
            ),
        ],
    ),
    Group(
        "Looms",
        "https://studio.example/videos/2",
        [Line("notification.comment_unnamed", {"count": 4, "video": "Looms"}, _AT)],
    ),
)
"""What mails list that list something."""
LISTING = {MailKind.NEWS, MailKind.DIGEST}
_TO = "ada@example.org"
_STUDIO = "https://studio.example"
_KEYS = ("subject", "heading", "text", "action", "after", "because")


def main() -> None:
    """The command: writes what has changed, removes what is no more."""
    pages = previews()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


def previews() -> dict[str, str]:
    """Every file of the folder by its name: what each kind looks like, what each language says, and an index."""
    pages = {"index.html": _index()}
    pages |= {f"{kind}.html": f"{sample(kind, DEFAULT).html}\n" for kind in MailKind}
    return pages | {f"{locale}.txt": _RULE.join(_said(kind, locale) for kind in MailKind) for locale in LOCALES}


def _said(kind: MailKind, locale: str) -> str:
    mail = sample(kind, locale)
    return f"Subject: {mail.subject}\n\n{mail.text}"


def sample(kind: MailKind, locale: str) -> Mail:
    """The mail with sample values. Raises KeyError for a brace of which `SAMPLES` has none."""
    listing = Listing(GROUPS, 3) if kind in LISTING else NOTHING
    leave = f"{_STUDIO}/unsubscribe?token=sample" if kind in LISTING else None
    link = f"{_STUDIO}/link?token=sample" if knows(f"mail.{kind}.action") else None
    values = {name: SAMPLES[name] for name in sorted(values_of(kind))}
    return compose(kind, _TO, locale, link=link, unsubscribe=leave, public_url=_STUDIO, listing=listing, **values)


def values_of(kind: MailKind) -> set[str]:
    """The values that the words of a kind need."""
    keys = [f"mail.{kind}.{key}" for key in _KEYS]
    return set().union(*(braces(key) for key in keys if knows(key)))


def _index() -> str:
    kinds = "\n".join(f'<li><a href="{kind}.html">{escape(_subject(kind))}</a>' for kind in MailKind)
    texts = "\n".join(f'<li><a href="{locale}.txt">{locale}</a>' for locale in LOCALES)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Mails</title></head><body>\n'
        f"<h1>Mails</h1>\n<p>Written by <code>make mails</code>.</p>\n<ul>\n{kinds}\n</ul>\n"
        f"<h2>What they say</h2>\n<ul>\n{texts}\n</ul>\n</body></html>\n"
    )


def _subject(kind: MailKind) -> str:
    return translate(DEFAULT, f"mail.{kind}.subject", **SAMPLES)


if __name__ == "__main__":
    main()
