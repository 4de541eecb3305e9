"""`make messages`: brings what developers have written in English into the files of every language.

The key of a message is gettext's context, so that a translation stays with its key when the English changes: it is then
marked as fuzzy, with the English that it was made for, until a translator has looked at it.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from io import BytesIO

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from babel.plural import to_gettext

from i18n.catalogs import COUNTED_BY, DEFAULT, FOLDER, LOCALES, TEMPLATE, categories
from i18n.source import Source, sources

_HEADER = """\
# {about}
msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals={count}; plural={rule};\\n"

"""


_WAS = "Was: "
"""In the notes: the English that a translation was made for, which has changed since."""


def main() -> None:
    """The command: writes what has changed, and says what is missing in which language."""
    for name, text in merged().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
    for locale in LOCALES[1:]:
        missing, fuzzy = unfinished(translated(locale))
        sys.stdout.write(f"{locale}: {len(missing)} missing, {len(fuzzy)} to look at\n")
        sys.stdout.writelines(f"  {key}\n" for key in [*missing, *fuzzy])


def merged() -> dict[str, str]:
    """Every file as it should be, by its name: the template, which is the English, and one per language."""
    english = sources()
    found = {
        TEMPLATE.name: _written(_template(english), DEFAULT, "What is to be translated. Written by `make messages`.")
    }
    for locale in LOCALES[1:]:
        about = (
            f"{Locale.parse(locale, sep='-').english_name}: see i18n/styles/{locale}.md, i18n/glossary/{locale}.toml"
        )
        found[f"{locale}.po"] = _written(_with(locale, english, translated(locale)), locale, about)
    return found


def translated(locale: str) -> dict[str, Message]:
    """What there is in a language, by the keys."""
    file = FOLDER / f"{locale}.po"
    if not file.exists():
        return {}
    with file.open("rb") as written:
        return {message.context or "": message for message in read_po(written) if message.id}


def unfinished(messages: Mapping[str, Message]) -> tuple[list[str], list[str]]:
    """The keys of what is not translated, and of what was translated from other English."""
    missing = [key for key, message in messages.items() if not all(strings(message))]
    return missing, [key for key, message in messages.items() if message.fuzzy]


def strings(message: Message) -> tuple[str, ...]:
    """The translations of a message, one for each category of numbers."""
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string or "",)


def _template(english: Iterable[Source]) -> Catalog:
    template = _catalog(DEFAULT)
    for source in english:
        _add(template, source, ("", "") if source.one else "")
    return template


def _with(locale: str, english: Iterable[Source], known: Mapping[str, Message]) -> Catalog:
    """What is known of the English as it is now; what was made for other English is marked."""
    catalog, forms = _catalog(locale), len(categories(locale))
    for source in english:
        old = known.get(source.key)
        if old is None or (len(strings(old)) != forms if source.one else old.pluralizable):
            _add(catalog, source, ("",) * forms if source.one else "")
        else:
            is_new = _ids(old) != source.texts and any(strings(old))
            flags = old.flags | ({"fuzzy"} if is_new else set())
            _add(catalog, source, strings(old) if source.one else strings(old)[0], flags, _notes(old, is_new=is_new))
    return catalog


def _notes(message: Message, *, is_new: bool) -> list[str]:
    """A translator's notes; and as long as somebody has to look at it, the English that the translation is of."""
    notes, _, before = " ".join(message.user_comments).partition(_WAS)
    if is_new or message.fuzzy:
        notes = f"{notes} {_WAS}{before or ' / '.join(_ids(message))}"
    return [notes.strip()] if notes.strip() else []


def _add(
    catalog: Catalog,
    source: Source,
    string: str | tuple[str, ...],
    flags: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> None:
    told = [source.comment] if source.comment else []
    told += [f"{COUNTED_BY}{source.by}"] if source.by else []
    english = source.texts if source.one else source.text
    catalog.add(english, string, context=source.key, auto_comments=told, flags=flags, user_comments=notes)


def _ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _written(catalog: Catalog, locale: str, about: str) -> str:
    file = BytesIO()
    write_po(file, catalog, width=0, omit_header=True)
    count, rule = len(categories(locale)), _rule(locale)
    return _HEADER.format(about=about, locale=locale, count=count, rule=rule) + file.getvalue().decode()


def _catalog(locale: str) -> Catalog:
    catalog = Catalog(charset="utf-8", fuzzy=False)
    catalog.mime_headers = [("Plural-Forms", f"nplurals={len(categories(locale))}; plural={_rule(locale)};")]
    return catalog


def _rule(locale: str) -> str:
    """CLDR's rule in gettext's form, which knows no compact numbers (CLDR's `e`)."""
    return re.sub(r"\be\b", "0", to_gettext(Locale.parse(locale, sep="-").plural_form).split("plural=")[1].rstrip(";"))


if __name__ == "__main__":
    main()
