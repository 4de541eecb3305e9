"""`python -m local.run`: what stands in its way, and the whole play with an API of five lines."""

import os
import re
import signal
import socket
import stat
import urllib.request
from pathlib import Path

import psutil
import pytest

from local import run
from local.errors import LocalError
from local.folders import lock
from local.programs import Place, command, commands, environment, secret_key
from settings import Settings

PLAY = """
import sys
from local import run
from local.programs import command

API = '''
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(os.environ["DATABASE_URL"].encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
run.MIGRATE = ("-c", "print('migrated')")
run.SEED = ("-c", "print('sign in as owner@example.org')")
run.commands = lambda place, env: {
    "relay": command(("-c", "import signal; signal.pause()"), env, place.log("relay")),
    "API": command(("-c", API, str(place.port)), env, place.log("API")),
}
sys.exit(run.main())
"""


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environ(port, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "SMTP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", str(port))


def read_banner(running) -> str:
    lines = []
    for line in running.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            return "".join(lines)
    raise AssertionError("no banner: " + "".join(lines))


def test_everything_starts_says_where_it_is_and_stops(scratch, script, environ, port, ended):
    for _ in range(2):
        running = script("-c", PLAY, "--data", str(scratch / "data"))
        banner = read_banner(running)
        assert banner.startswith("migrated\nsign in as owner@example.org\n")
        assert f"http://127.0.0.1:{port}/graphql" in banner
        assert f"http://127.0.0.1:{port}/mailbox" in banner
        assert float(re.search(r"ready after ([\d.]+) s", banner)[1]) < 5
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.read().startswith(b"postgres://postgres@/video_creator?host=/")
        family = psutil.Process(running.pid).children(recursive=True)
        running.send_signal(signal.SIGINT)
        assert running.communicate(timeout=20)[0].strip() == "Stopped."
        assert running.returncode == 0
        assert all(ended(process.pid) for process in family)


def test_no_orphan_when_it_is_killed(scratch, script, environ, ended):
    running = script("-c", PLAY, "--data", str(scratch / "data"))
    read_banner(running)
    family = psutil.Process(running.pid).children(recursive=True)
    assert {"postgres", "redis-server"} <= {process.name() for process in family}
    running.kill()
    assert all(ended(process.pid) for process in family)


def test_a_taken_port_is_a_sentence_before_anything_starts(scratch, script, environ, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        monkeypatch.setenv("PORT", str(taken))
        running = script("-m", "local.run", "--data", str(scratch / "data"))
        said, _ = running.communicate(timeout=20)
    reason = "Address already in use"
    assert said == f"Port {taken} cannot be used ({reason}); choose another: `make run PORT=8001`.\n"
    assert running.returncode == 1
    assert list((scratch / "data").iterdir()) == []


def test_a_second_run_on_the_same_data_is_a_sentence(scratch, script, environ):
    (scratch / "data").mkdir()
    held = lock(scratch / "data/lock", 0, "busy")
    running = script("-m", "local.run", "--data", str(scratch / "data"))
    said, _ = running.communicate(timeout=20)
    os.close(held)
    assert said == f"Another `make run` is using {scratch / 'data'}; stop that one first.\n"
    assert running.returncode == 1


def test_data_that_cannot_be_written_is_a_sentence(scratch, script, environ):
    (scratch / "data").write_text("")
    running = script("-m", "local.run", "--data", str(scratch / "data"))
    assert running.communicate(timeout=20)[0] == f"Cannot write to {scratch / 'data'}: File exists.\n"
    assert running.returncode == 1


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none(text):
    with pytest.raises(LocalError, match="PORT must be a number from 1 to 65535"):
        run._free_port(text)


def test_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_LEAST_FREE_BYTES", 2**63)
    with pytest.raises(LocalError, match=r"^The disk that holds .* is full: \d+ MiB are left"):
        run._require_room(tmp_path)


def test_the_environment_is_what_settings_need(tmp_path):
    place = Place(tmp_path / "a folder", 8123)
    env = environment({"LOG_LEVEL": "DEBUG", "SMTP_URL": "smtp://mail:25", "STORAGE_URL": ""}, place, "s" * 40)
    services = {"DATABASE_URL": "postgres://host/studio", "REDIS_URL": "unix:///x"}
    settings = Settings(**{name.lower(): value for name, value in (env | services).items()})
    assert settings.public_url == "http://127.0.0.1:8123"
    assert settings.smtp_url == "smtp://mail:25"
    assert settings.storage_url == f"file:{tmp_path}/a%20folder/storage"
    assert settings.log_level == "DEBUG"


def test_only_the_owner_reads_the_secret_and_it_stays_the_same(tmp_path):
    file = tmp_path / "secret"
    secret = secret_key(file)
    assert len(secret) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key(file) == secret


def test_each_process_has_a_log_of_its_own(tmp_path):
    everything = commands(Place(tmp_path, 8000), {})
    assert len({each.log for each in everything.values()}) == len(everything)
    assert list(everything)[-1] == "API"
    assert command(("-m", "x"), {}).log is None


def test_logs_of_the_run_before_are_kept(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o700)
    (folder / "api.log").write_text("old")
    run._begin_logs(folder)
    assert [path.name for path in Path(folder).iterdir()] == ["api.log.1"]
