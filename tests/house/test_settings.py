"""Wrong environments: each is a sentence that names the variable, from every entry point, and tells no secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import settings
from plan import costs
from settings import load

ROOT = Path(__file__).parents[2]
SOUND = {
    "DATABASE_URL": "postgres://somebody:open-sesame@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "STORAGE_URL": "file:/nowhere",
    "SMTP_URL": "mailbox:/nowhere",
    "SECRET_KEY": "open-sesame is a key of 32 characters",
}
PROVIDERS = """[{
    "key": "there", "name": "There", "issuer": "https://open-sesame", "client_id": "us", "client_secret": "open-sesame"
}]"""
UVICORN = ("uvicorn", "app:create_app", "--factory", "--port", "0")
ENTRIES = [
    ("models.migrate",),
    ("models.maintain", "status"),
    UVICORN,
    ("workers.relay",),
    ("workers.io",),
    ("workers.media",),
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SOUND.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "garbage-open-sesame"),
        ("DATABASE_URL", "mysql://open-sesame@host/name"),
        ("DATABASE_URL", "postgres://user:open-sesame@host"),
        ("DATABASE_URL", "postgres://user@host:open-sesame/name"),
        ("DATABASE_URL", "postgres://[open-sesame/name"),
        ("DATABASE_DIRECT_URL", "open-sesame"),
        ("DATABASE_REPLICA_URL", "postgres://open-sesame"),
        ("DATABASE_POOLER", "open-sesame"),
        ("REDIS_URL", "open-sesame"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "unix://"),
        ("STORAGE_URL", "ftp://open-sesame"),
        ("STORAGE_URL", "file:open-sesame"),
        ("SMTP_URL", "open-sesame"),
        ("MAIL_FROM", "open-sesame"),
        ("MAIL_FROM", ""),
        ("MAIL_BOUNCES_TO", "open-sesame"),
        ("MAIL_BOUNCES_TO", "Bounces <open-sesame@host>"),
        ("MAIL_BOUNCES_TO", "a-very-long-open-sesame-indeed@host"),
        ("MAIL_CONNECTIONS", "open-sesame"),
        ("WEBHOOK_PORTS", "open-sesame"),
        ("WEBHOOK_PORTS", "443,open-sesame"),
        ("WEBHOOK_PORTS", ""),
        ("WEBHOOK_PORTS", "443,65536"),
        ("WEBHOOK_PORTS", "-443"),
        ("WEBHOOK_LOOPBACK", "open-sesame"),
        ("WEBHOOK_SECONDS", "open-sesame"),
        ("WEBHOOK_SECONDS", "0"),
        ("WEBHOOK_CONNECTIONS", "0"),
        ("SECRET_KEY", "open-sesame"),
        ("PUBLIC_URL", "open-sesame"),
        ("PUBLIC_URL", "https://host/open-sesame"),
        ("PUBLIC_URL", "https://host?open-sesame"),
        ("PUBLIC_URL", "https://user:open-sesame@host"),
        ("ALLOWED_ORIGINS", "https://open-sesame"),
        ("ALLOWED_ORIGINS", '"https://open-sesame"'),
        ("ALLOWED_ORIGINS", '["*", "https://open-sesame"]'),
        ("ALLOWED_ORIGINS", '["https://open-sesame/"]'),
        ("FORWARDED_ALLOW_IPS", "open-sesame"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1/8,open-sesame"),
        ("FORWARDED_ALLOW_IPS", "*"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.2,0.0.0.0/0"),
        ("APP_URL", "open-sesame"),
        ("OIDC_PROVIDERS", "open-sesame"),
        ("OIDC_PROVIDERS", '["open-sesame"]'),
        ("OIDC_PROVIDERS", '[{"key": "open-sesame"}]'),
        ("OIDC_PROVIDERS", PROVIDERS.replace("https", "http")),
        ("OIDC_PROVIDERS", PROVIDERS.replace('"there"', '"OPEN SESAME"')),
        ("LOG_LEVEL", "open-sesame"),
        ("DOCUMENTS", "open-sesame"),
        ("INTROSPECTION", "open-sesame"),
        ("NODES_PER_MINUTE", "open-sesame"),
        ("MAINTENANCE", "open-sesame"),
        ("TURNS", "open-sesame"),
        ("SLOW_OPERATION_MS", "open-sesame"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector-open-sesame:4318"),
        ("TRACES_RATIO", "open-sesame"),
        ("JOB_ATTEMPTS", "open-sesame"),
    ],
)
def test_a_wrong_variable_is_named_and_not_repeated(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        load()
    (sentence,) = str(end.value.code).splitlines()
    assert sentence.startswith(f"{name} is wrong: ")
    assert "Expected: " in sentence
    assert "open-sesame" not in sentence


def test_every_wrong_variable_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DATABASE_URL")
    environment.delenv("SECRET_KEY")
    environment.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SystemExit) as end:
        load()
    sentences = str(end.value.code).splitlines()
    assert {sentence.split(".")[0].split(":")[0] for sentence in sentences} == {
        "DATABASE_URL is missing",
        "SECRET_KEY is missing",
        "LOG_LEVEL is wrong",
    }


def test_a_pooler_needs_a_way_past_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_POOLER", "transaction")
    with pytest.raises(SystemExit) as end:
        load()
    assert str(end.value.code).startswith("DATABASE_DIRECT_URL is wrong: a pooler needs it. Expected: ")
    environment.setenv("DATABASE_DIRECT_URL", "postgres:///direct?host=/folder")
    assert load().session_url == "postgres:///direct?host=/folder"


def test_without_a_pooler_there_is_one_address(environment: pytest.MonkeyPatch) -> None:
    assert load().session_url == SOUND["DATABASE_URL"]


def test_sound_variables_are_taken(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_URL", "https://studio.example:8443/")
    environment.setenv("ALLOWED_ORIGINS", '["https://app.example", "http://127.0.0.1:3000"]')
    environment.setenv("DATABASE_URL", "postgresql:///name?host=/folder")
    environment.setenv("FORWARDED_ALLOW_IPS", "10.0.0.2, 172.16.0.0/12,2001:db8::/32")
    settings = load()
    assert settings.public_url == "https://studio.example:8443"
    assert settings.allowed_origins == ("https://app.example", "http://127.0.0.1:3000")


def ended(entry: tuple[str, ...], **variables: str) -> str:
    """What an entry point says when it cannot start."""
    environment = {"PATH": os.environ["PATH"], **SOUND, **variables}
    done = subprocess.run(
        [sys.executable, "-m", *entry],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert "open-sesame" not in said
    return said


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry[0])
def test_every_entry_point_ends_with_a_sentence(entry: tuple[str, ...], tmp_path: Path) -> None:
    assert "SECRET_KEY is wrong: it is too short." in ended(entry, SECRET_KEY="short")
    unreachable = ended(entry, WORK_DIR=str(tmp_path))
    assert "The database that DATABASE_URL names cannot be used: " in unreachable


def test_a_host_that_nobody_knows_is_a_sentence() -> None:
    said = ended(("models.migrate",), DATABASE_URL="postgres://somebody:open-sesame@nowhere.invalid/name")
    assert said.startswith("The database that DATABASE_URL names cannot be used: ")


@pytest.mark.parametrize(
    ("where", "said", "may"),
    [("production", "", False), ("production", "on", True), ("development", "", True), ("development", "off", False)],
)
def test_the_schema_is_explored_in_development_unless_the_operator_says_otherwise(
    environment: pytest.MonkeyPatch, where: str, said: str, *, may: bool
) -> None:
    environment.setenv("ENVIRONMENT", where)
    environment.setenv("INTROSPECTION", said)
    assert load().exploring is may


@pytest.mark.parametrize(
    ("where", "said", "may"),
    [("production", "", False), ("production", "on", True), ("development", "", True), ("development", "off", False)],
)
def test_webhooks_go_to_this_machine_in_development_unless_the_operator_says_otherwise(
    environment: pytest.MonkeyPatch, where: str, said: str, *, may: bool
) -> None:
    environment.setenv("ENVIRONMENT", where)
    environment.setenv("WEBHOOK_LOOPBACK", said)
    assert load().webhooks_to_itself is may


def test_the_ports_of_webhooks_are_a_list(environment: pytest.MonkeyPatch) -> None:
    assert load().webhook_ports == {443, 8443}
    environment.setenv("WEBHOOK_PORTS", "443, 9443")
    assert load().webhook_ports == {443, 9443}


def test_a_budget_is_enough_for_any_one_operation(environment: pytest.MonkeyPatch) -> None:
    assert settings.MOST_NODES == costs.MOST_NODES
    for nodes in (0, costs.MOST_NODES):
        environment.setenv("NODES_PER_MINUTE", str(nodes))
        assert load().nodes_per_minute == nodes
    environment.setenv("NODES_PER_MINUTE", str(costs.MOST_NODES - 1))
    with pytest.raises(SystemExit) as end:
        load()
    assert str(end.value.code).startswith("NODES_PER_MINUTE is wrong: it is too small for one operation. Expected: ")
