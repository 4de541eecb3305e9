"""`python -m workers.mails.previews`, behind `make mails`: every mail as a page to look at, in `docs/mails/`."""

from html import escape
from pathlib import Path
from string import Formatter

from domain.mails import MailKind
from gateways.mail import Mail
from i18n import knows, translate
from i18n.catalogs import catalog
from workers.mails.composing import compose

FOLDER = Path(__file__).parents[2] / "docs" / "mails"
LOCALES = ("en", "de")
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
    "teams": "Engines, Looms",
    "days": 7,
}
"""What stands in the braces of the words."""
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
    """Every file of the folder by its name: an HTML and a text for each kind and language, and an index."""
    pages = {"index.html": _index()}
    for kind in MailKind:
        for locale in LOCALES:
            mail = sample(kind, locale)
            pages[f"{_name(kind, locale)}.html"] = f"{mail.html}\n"
            pages[f"{_name(kind, locale)}.txt"] = f"Subject: {mail.subject}\n\n{mail.text}"
    return pages


def sample(kind: MailKind, locale: str) -> Mail:
    """The mail with sample values. Raises KeyError for a brace of which `SAMPLES` has none."""
    link = f"{_STUDIO}/link?token=sample" if knows(f"mail.{kind}.action") else None
    values = {name: SAMPLES[name] for name in sorted(braces(kind))}
    return compose(kind, _TO, locale, link=link, unsubscribe=None, public_url=_STUDIO, **values)


def braces(kind: MailKind) -> set[str]:
    """The values that the words of a kind need."""
    texts = [catalog("en").get(f"mail.{kind}.{key}", "") for key in _KEYS]
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


def _index() -> str:
    rows = "\n".join(f"<tr><th>{kind}{''.join(_cell(kind, locale) for locale in LOCALES)}</tr>" for kind in MailKind)
    heads = "".join(f"<th>{locale}" for locale in LOCALES)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Mails</title></head><body>\n'
        f"<h1>Mails</h1>\n<p>Written by <code>make mails</code>.</p>\n<table><tr><th>{heads}</tr>\n{rows}\n</table>\n"
        "</body></html>\n"
    )


def _cell(kind: MailKind, locale: str) -> str:
    name, subject = _name(kind, locale), translate(locale, f"mail.{kind}.subject", **SAMPLES)
    return f'<td><a href="{name}.html">{escape(subject)}</a> (<a href="{name}.txt">text</a>)'


def _name(kind: MailKind, locale: str) -> str:
    return f"{kind}.{locale}"


if __name__ == "__main__":
    main()
