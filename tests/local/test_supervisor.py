"""The supervisor with small real processes, and a clock that is moved by hand."""

import signal
import sys
from pathlib import Path

import pytest

from local.errors import LocalError
from local.processes import Command, start, stop
from local.supervisor import Child, Supervisor, run_once

FOREVER = "import signal; signal.pause()"
ORPHANS = """
import signal, sys
from pathlib import Path
from local.processes import Command
from local.supervisor import Child, Stopped, Supervisor, stop_signals
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # where the tests themselves run under nohup
folder = Path(sys.argv[1])
supervisor = Supervisor(print)
def child(name, code):
    return Child(name, Command([sys.executable, "-c", code], folder, folder / (name + ".log")))
try:
    with stop_signals():
        supervisor.start(child(name, sys.argv[2]) for name in ("relay", "api"))
        print(*[each.thing._process.pid for each in supervisor._watched], flush=True)
        supervisor.watch()
except Stopped:
    supervisor.stop()
    print("stopped")
"""
STOPS_SLOWLY = """
import os, signal, sys
def end(*_):
    with open("order", "a") as file: file.write(f"{os.getpid()}\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True: signal.pause()
"""


@pytest.fixture
def said():
    return []


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def supervisor(said, now):
    made = Supervisor(said.append, clock=lambda: now[0])
    yield made
    made.stop()


def child(folder: Path, name: str, code: str) -> Child:
    return Child(name, Command([sys.executable, "-c", code], folder, folder / f"{name}.log"))


def end_of(thing: Child) -> None:
    thing._process.wait(10)


def test_a_child_that_dies_is_named_with_its_last_words_and_restarted(supervisor, said, now, tmp_path):
    dying = child(tmp_path, "relay", "print('lost the database'); raise SystemExit(3)")
    supervisor.start([dying])
    end_of(dying)
    first = dying._process
    supervisor.look()
    assert said == ["relay has ended (exit code 3): lost the database; starting it again in 0.5 s."]
    supervisor.look()
    assert dying._process is first  # not before its time
    now[0] += 0.5
    supervisor.look()
    assert dying._process is not first


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('GET /healthz'); import os; os.kill(os.getpid(), 9)", "signal SIGKILL"),
        ("""print('{"event": "request", "level": "info"}'); raise SystemExit(3)""", "exit code 3"),
        ("print('2026-01-01T00:00:00Z [info     ] request'); raise SystemExit(3)", "exit code 3"),
        ("print('INFO:     Waiting for application startup.'); raise SystemExit(3)", "exit code 3"),
    ],
)
def test_words_that_do_not_tell_of_the_end_are_not_the_last(supervisor, said, tmp_path, code, told):
    dying = child(tmp_path, "relay", code)
    supervisor.start([dying])
    end_of(dying)
    supervisor.look()
    assert said == [f"relay has ended ({told}); starting it again in 0.5 s."]


def test_a_child_that_keeps_dying_ends_it_all(supervisor, said, now, tmp_path):
    dying = child(tmp_path, "relay", "raise SystemExit(3)")
    supervisor.start([dying])
    for _ in range(4):
        end_of(dying)
        supervisor.look()
        now[0] += 5
        supervisor.look()
    end_of(dying)
    with pytest.raises(LocalError, match=r"^relay has ended \(exit code 3\), 5 times within a minute; giving up\.$"):
        supervisor.look()
    assert [text.split()[-2] for text in said] == ["0.5", "1.0", "2.0", "4.0"]


def test_deaths_of_long_ago_are_forgotten(supervisor, said, now, tmp_path):
    dying = child(tmp_path, "relay", "raise SystemExit(3)")
    supervisor.start([dying])
    for _ in range(8):
        end_of(dying)
        supervisor.look()
        now[0] += 30
        supervisor.look()
    assert len(said) == 8


def test_a_service_that_does_not_come_back_ends_it_all(supervisor, said, now):
    class Database:
        name = "PostgreSQL"
        starts = 0

        def start(self):
            self.starts += 1
            if self.starts > 1:
                raise LocalError("PostgreSQL cannot start: the disk is full.")

        def stop(self):
            pass

        def poll(self):
            return -9

    supervisor.start([Database()])
    for _ in range(4):
        supervisor.look()
        now[0] += 5
    with pytest.raises(LocalError, match=r"the disk is full, 5 times within a minute; giving up\.$"):
        supervisor.look()
    assert said[0] == "PostgreSQL has ended (signal SIGKILL); starting it again in 0.5 s."


def test_waiting_ends_when_ready_and_not_before(supervisor, now, tmp_path):
    supervisor.start([child(tmp_path, "api", FOREVER)])
    answers = iter([False, False, True])
    supervisor.wait_until(lambda: next(answers), 60, "The API")
    assert next(answers, None) is None


def test_waiting_has_an_end(supervisor, now):
    def never() -> bool:
        now[0] += 61
        return False

    with pytest.raises(LocalError, match=r"^The API did not get ready within 60 s\.$"):
        supervisor.wait_until(never, 60, "The API")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_last_started_first(script, ended, tmp_path, number):
    running = script("-c", ORPHANS, str(tmp_path), STOPS_SLOWLY.replace('"order"', f'"{tmp_path}/order"') + "# ready")
    pids = [int(word) for word in running.stdout.readline().split()]
    _until_they_handle_sigterm(pids)
    running.send_signal(number)
    assert running.communicate(timeout=20)[0] == "stopped\n"
    assert (tmp_path / "order").read_text().split() == [str(pid) for pid in reversed(pids)]


def test_nothing_outlives_a_killed_supervisor(script, ended, tmp_path):
    running = script("-c", ORPHANS, str(tmp_path), FOREVER)
    pids = [int(word) for word in running.stdout.readline().split()]
    running.kill()
    assert len(pids) == 2
    assert all(ended(pid) for pid in pids)


def test_what_does_not_stop_when_asked_is_killed_with_its_family(tmp_path, ended):
    code = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]).pid, flush=True)
signal.pause()
"""
    process = start(Command([sys.executable, "-c", code], tmp_path, tmp_path / "log"))
    grandchild = _first_word(tmp_path / "log")
    stop(process, signal.SIGTERM, 0.05)
    assert process.returncode == -signal.SIGKILL
    assert ended(grandchild)


def test_a_program_that_is_run_once_must_succeed(tmp_path):
    run_once(Command([sys.executable, "-c", ""], tmp_path, None), "Migrating")
    with pytest.raises(LocalError, match=r"^Migrating has failed \(exit code 2\)\.$"):
        run_once(Command([sys.executable, "-c", "raise SystemExit(2)"], tmp_path, None), "Migrating")


def test_a_log_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match=r"^Cannot start python"):
        start(Command([sys.executable], tmp_path, tmp_path / "file" / "log"))


def _until_they_handle_sigterm(pids: list[int]) -> None:
    for pid in pids:
        while not _caught(pid) >> (signal.SIGTERM - 1) & 1:
            pass


def _caught(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)


def _first_word(log: Path) -> int:
    while not log.read_text().strip():
        pass
    return int(log.read_text())
