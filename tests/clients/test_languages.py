"""What clients' libraries make of our words is what we say ourselves, in every language."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from i18n import LOCALES, translate
from i18n.bundles import namespaces
from i18n.catalogs import Plural, braces, catalog, lacking
from i18n.pseudo import PSEUDO
from tests.clients.conftest import RUNNABLE
from tests.studio import Studio

pytestmark = RUNNABLE
COUNTS = (0, 1, 2, 5, 1000, 1_000_000)
VALUE = "Ada’s <b>{x}</b> $t(y) 'z'"
"""Of what people have written nothing means anything to the libraries."""
PICKED = {"de": ["sv", "de-AT", "fr"], "zh-CN": ["zh-Hant-TW"], "en": ["sv"], "pt": ["pt-BR", "en"]}
_GROUPED = re.compile(r"(?<=\d)[.,\s](?=\d)")
"""CLDR's versions differ on whether, and by what, thousands are parted: `1000` and `1.000` in Spanish."""


def test_i18next_and_formatjs_say_what_we_say(studio: Studio, built: Path) -> None:
    keys = [key for key in catalog("en") if key.partition(".")[0] in namespaces()]
    told = played(built, studio.url, sayings=[saying(key) for key in keys], wanted=list(PICKED.values()))
    assert told["picked"] == list(PICKED)
    assert list(told["said"]) == [*LOCALES, PSEUDO]
    for locale, answers in told["said"].items():
        known = "en" if locale == PSEUDO else locale
        for key, answer in zip(keys, answers, strict=True):
            if key not in lacking(known):
                expected = [_GROUPED.sub("", text) for text in said(known, key)]
                for library, texts in answer.items():
                    assert [_GROUPED.sub("", text) for text in texts] == expected, (locale, key, library)


def saying(key: str) -> dict[str, Any]:
    by = counted_by(key)
    name = key.replace(".", ":", 1)
    return {"key": name, "by": by, "counts": COUNTS, "values": dict.fromkeys(braces(key) - {by}, VALUE)}


def said(locale: str, key: str) -> list[str]:
    by = counted_by(key)
    values = dict.fromkeys(braces(key), VALUE)
    return (
        [translate(locale, key, **values | {by: count}) for count in COUNTS]
        if by
        else [translate(locale, key, **values)]
    )


def counted_by(key: str) -> str | None:
    english = catalog("en")[key]
    return english.by if isinstance(english, Plural) else None


def played(built: Path, url: str, **what: Any) -> Any:
    program = ["node", str(built / "built" / "play" / "languages.js"), url]
    ran = subprocess.run(program, input=json.dumps(what), capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)
