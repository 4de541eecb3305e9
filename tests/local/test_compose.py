"""`compose.yaml` and `Dockerfile`, held against the code: nothing that does not exist, and nothing missing."""

import json
import re
from importlib.util import find_spec
from itertools import pairwise

import pytest
import yaml

from local.programs import API_OPTIONS, ROOT, WORKERS
from settings import Settings

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
NEVER_SHIPPED = {"local", "tests", "bench", "docs", "web"}


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def command_of(service: dict) -> list[str]:
    return service.get("command") or json.loads(instructions("CMD")[-1])


def modules(command: list[str]) -> list[str]:
    return [after for before, after in pairwise(command) if before == "-m"]


def test_all_the_processes_of_production_are_there():
    assert set(SERVICES) == {"postgres", "redis", "storage", "bucket", "migrate", "api", "relay", "media", "io"}
    assert set(OURS) == {"migrate", "api", "relay", "media", "io"}
    assert SERVICES["relay"]["deploy"]["replicas"] == 2
    assert {tuple(OURS[name]["command"][1:]) for name in ("relay", "media", "io")} == set(WORKERS.values())


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_a_module_that_exists_and_is_shipped(name):
    command = command_of(OURS[name])
    assert command[0] == "python"
    (module,) = modules(command)
    assert find_spec(module), module
    if module != "uvicorn":
        assert module.split(".")[0] in _copied()


def test_the_api_is_started_like_at_home():
    command = command_of(OURS["api"])
    assert command[3] == "app:create_app"
    assert (ROOT / "app.py").exists()
    at_home, in_production = _options(list(API_OPTIONS)), _options(command[4:])
    differing = {"--host", "--port", "--timeout-graceful-shutdown"}
    assert {name: value for name, value in in_production.items() if name not in differing} == {
        name: value for name, value in at_home.items() if name not in differing
    }
    assert set(in_production) == set(at_home) | differing


UVICORNS_OWN = {"forwarded_allow_ips"}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_no_required_one_is_missing(name):
    fields = Settings.model_fields
    given = {variable.lower() for variable in OURS[name]["environment"]}
    assert given - UVICORNS_OWN <= set(fields)
    assert {field for field, info in fields.items() if info.is_required()} <= given


@pytest.mark.parametrize("name", OURS)
def test_settings_take_the_values(name):
    supplied = {
        "SECRET_KEY": "s" * 32,
        "SMTP_URL": "smtp://mail.example:587",
        "MAIL_FROM": "Studio <no-reply@studio.example>",
        "PUBLIC_URL": "https://studio.example",
        "STORAGE_PUBLIC_URL": "https://files.example",
    }

    def fill(match: re.Match[str]) -> str:
        variable, default = match[1], match[2]
        return default[1:] if default.startswith("-") else supplied.get(variable, "x")

    values = {key: re.sub(r"\$\{(\w+):([^}]*)\}", fill, value) for key, value in OURS[name]["environment"].items()}
    for name in ("ALLOWED_ORIGINS", "OIDC_PROVIDERS"):
        values[name] = json.loads(values[name])
    Settings(**{key.lower(): value for key, value in values.items()})


def test_no_secret_has_a_value_in_the_file():
    text = (ROOT / "compose.yaml").read_text()
    for secret in ("SECRET_KEY", "POSTGRES_PASSWORD", "STORAGE_SECRET", "STORAGE_KEY"):
        uses = re.findall(rf"\$\{{{secret}([^}}]*)\}}", text)
        assert uses
        assert set(uses) == {":?"}
    assert not re.findall(r"\$\{\w+\}", text)  # neither required nor with a default: empty when forgotten


def test_everything_of_ours_waits_for_the_migration():
    for name, service in OURS.items():
        condition = service["depends_on"].get("migrate", {}).get("condition")
        assert condition == (None if name == "migrate" else "service_completed_successfully")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate", "bucket"}))
def test_what_stays_up_has_a_health_check(name):
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["relay", "media", "io"])
def test_a_worker_is_healthy_while_its_own_heartbeat_is_young(name):
    test = SERVICES[name]["healthcheck"]["test"]
    assert f'"$$WORK_DIR/{name}.alive"' in test[1]
    assert SERVICES[name]["environment"]["WORK_DIR"] in SERVICES[name]["volumes"]


def test_every_name_that_is_depended_on_is_a_service():
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
    hosts = re.findall(r"(?:@|//)(\w+):\d+", json.dumps(COMPOSE["x-environment"]))
    assert set(hosts) <= set(SERVICES)


def test_every_named_volume_is_declared():
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in used if not name.startswith("/")} == set(COMPOSE["volumes"])


def test_the_image_holds_every_package_and_nothing_else_of_the_checkout():
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert packages - NEVER_SHIPPED == _copied() - {"app.py", "settings.py", "pyproject.toml", "web/operations.json"}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == _copied() | {"requirements.lock"}


def test_the_image_has_the_production_lock_no_root_and_a_health_check():
    assert "pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock" in DOCKERFILE
    assert instructions("USER") == ["app"]
    assert DOCKERFILE.index("\nUSER app") > DOCKERFILE.rindex("\nRUN ")
    assert "/healthz" in instructions("HEALTHCHECK")[0]


def _options(words: list[str]) -> dict[str, str]:
    return {
        word: "" if after.startswith("--") else after for word, after in pairwise([*words, "--"]) if word[:2] == "--"
    }


def _copied() -> set[str]:
    copies = [words for words in map(str.split, instructions("COPY")) if not words[0].startswith("--")]
    return {source for words in copies for source in words[:-1]} - {"requirements.lock"}
