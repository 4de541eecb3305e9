"""What clients show of the catalogs, and how values are written: the part of a transcript that no day brings about."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.quantities import Bytes, Money
from i18n import formatting, translate
from i18n.catalogs import categories, category
from local.client import Client
from tests.play.transcript import NOW, Transcript

COUNTS = (0, 1, 2, 1_000_000)
"""Of each category that one of the languages has, at least one."""
COUNTED = {"review.thread.open": "count", "account.delete.warning": "days", "problem.throttled": "retry_after_seconds"}
"""Plurals, and the names of their numbers."""
SHOWN: dict[str, dict[str, dict[str, Any]]] = {
    "account": {
        "sign_up.heading": {},
        "sign_up.check_mail": {"email": "ada@example.com"},
        "sign_up.has_account": {},
        "session.seen": {"when": timedelta(hours=-3)},
    },
    "creation": {
        "upload.drop": {"size": Bytes(5 * 10**9)},
        "upload.progress": {"percent": 0.42},
        "upload.remaining": {"duration": timedelta(seconds=125)},
        "upload.checking": {},
        "schedule.summary": {"number": 3, "date": NOW},
        "trash.hint": {"days": 30},
    },
    "review": {
        "version.count": {"count": 1},
        "version.made_by": {"name": "Grace", "when": timedelta(minutes=-2)},
        "version.longer": {"duration": timedelta(seconds=4)},
        "version.approve": {},
        "comment.placeholder": {"time": "1:23"},
        "comment.count": {"count": 2},
        "thread.resolve": {},
        "thread.unresolve": {},
        "thread.resolved_by": {"name": "Grace"},
        "thread.replies": {"count": 1_000_000},
        "presence.watching": {"count": 1},
        "presence.typing": {"name": "Grace"},
        "share.start": {},
    },
    "notice": {"comment_posted": {}, "videos_created": {"count": 2}, "scheduled": {"date": NOW}},
    "error": {"unknown": {}, "file.too_large": {"size": Bytes(21_500_000_000), "limit": Bytes(5 * 10**9)}},
    "billing": {
        "plan.per_month": {"price": Money(1999, "EUR")},
        "trial.left": {"days": 1},
        "cancel.hint": {"date": NOW.date()},
    },
    "time": {"just_now": {}, "due": {"when": timedelta(days=3)}, "overdue": {}},
}
"""By namespace and key: what stands in the braces."""
LABELS = (
    *("Role.OWNER", "Role.ADMIN", "Role.EDITOR", "Role.VIEWER", "InvitationState.PENDING", "VideoStatus.DRAFT"),
    *("JobKind.INGEST", "JobState.QUEUED", "JobState.RUNNING", "JobState.FAILED", "JobStep.VERIFY", "JobStep.PROXY"),
)
WRITTEN: dict[str, Any] = {
    "A number": 1_234_567.89,
    "Money": [Money(1999, "EUR"), Money(123_456, "USD"), Money(1980, "JPY")],
    "Sizes": [Bytes(999), Bytes(1500), Bytes(21_474_836_480)],
    "Durations": [timedelta(seconds=4.2), timedelta(seconds=65), timedelta(seconds=3725)],
    "A day": NOW.date(),
    "A moment": NOW,
    "Two in a list": ["Ada", "Grace"],
    "Three in a list": ["Ada", "Grace", "Lia"],
}
AGO = {
    "Half a minute ago": timedelta(seconds=-30),
    "Two minutes ago": timedelta(minutes=-2),
    "In an hour": timedelta(hours=1),
    "A day ago": timedelta(days=-1),
    "20 days ago": timedelta(days=-20),
}


async def shows(client: Client, transcript: Transcript) -> None:
    """A page of everything, as a client fills it in that has loaded the words of its namespaces."""
    transcript.part("What a client shows", "Key", "What is read")
    for namespace, keys in SHOWN.items():
        texts = (await _loaded(client, transcript.locale, namespace))["texts"]
        for key, params in keys.items():
            transcript.row(f"`{namespace}.{key}`", filled(transcript.locale, texts, key, params))
    labels = (await _loaded(client, transcript.locale, "label"))["texts"]
    transcript.part("What things are called", "Key", "What is read")
    for key in LABELS:
        transcript.row(f"`label.{key}`", labels[key])


def writes(transcript: Transcript) -> None:
    """Values of each type, and each plural of three messages."""
    locale = transcript.locale
    transcript.part("How values are written", "What", "How")
    for what, value in WRITTEN.items():
        apart = what in ("Money", "Sizes", "Durations")
        transcript.row(what, " · ".join(formatting.written(locale, each) for each in (value if apart else [value])))
    transcript.row("A share", formatting.percent(locale, 0.125))
    for what, since in AGO.items():
        transcript.row(what, formatting.relative(locale, NOW + since, NOW))
    transcript.part("Plurals", "Key", "CLDR", "What is read")
    for key, by in COUNTED.items():
        for count in COUNTS:
            transcript.row(f"`{key}`", category(locale, count), translate(locale, key, **{by: count}))
    assert {category(locale, count) for count in COUNTS} == set(categories(locale))


def filled(locale: str, texts: Mapping[str, str], key: str, params: Mapping[str, Any]) -> str:
    """A text of a bundle as i18next fills it: a plural has its forms by their categories, counted by `count`."""
    said = {name: _value(locale, name, value) for name, value in params.items()}
    for value in params.values():
        if isinstance(value, int) and (text := texts.get(f"{key}_{category(locale, value)}")):
            return text.replace("{count, number}", _value(locale, "count", value)).format_map(said)
    return texts[key].format_map(said)


def _value(locale: str, name: str, value: Any) -> str:
    if name == "percent":
        return formatting.percent(locale, value)
    if name == "when":
        return formatting.relative(locale, NOW + value, NOW)
    return formatting.written(locale, value)


async def _loaded(client: Client, locale: str, namespace: str) -> Any:
    loaded = await client.do("Messages", locale=locale, namespace=namespace)
    assert loaded["locale"] == locale
    return loaded
