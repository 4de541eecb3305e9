"""The sandbox seen from inside: a child puts it on and then tries what an intruder would."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from media import landlock, runner

PROJECT = Path(runner.__file__).parent.parent
PRELUDE = """
import json, os, sys
from pathlib import Path
from media import sandbox

folder = Path(sys.argv[1])
protection = sandbox.enter(
    sandbox.Confinement(
        readable=(folder / "source.txt",),
        writable=(folder / "work",),
        memory_bytes=1 << 30,
        cpu_seconds=60,
        file_bytes=1 << 20,
    ),
    os.getppid(),
)

def attempt(name, action):
    try:
        outcome = action()
    except OSError as error:
        print(json.dumps([name, error.errno]))
    except MemoryError:
        print(json.dumps([name, "memory"]))
    else:
        print(json.dumps([name, "allowed" if outcome is None else outcome]))
    sys.stdout.flush()
"""
needs_landlock = pytest.mark.skipif(landlock.supported_abi() == 0, reason="this kernel has no Landlock")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "source.txt").write_text("the source")
    (tmp_path / "secret.txt").write_text("not yours")
    return tmp_path


def confined(folder, code, *arguments):
    """Run `code` in a fresh process after the prelude; answer what each attempt came to."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, str(folder), *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_network_is_out_of_reach(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        outcomes = confined(
            folder,
            """
import socket, av
port = int(sys.argv[2])
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", port), 1).close())
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())
attempt("unix", lambda: socket.socket(socket.AF_UNIX).close())
attempt("pair", lambda: socket.socketpair() and None)
attempt("libav", lambda: av.open(f"tcp://127.0.0.1:{port}").close())
""",
            server.getsockname()[1],
        )
        assert set(outcomes) == {"tcp", "udp", "unix", "pair", "libav"}
        assert set(outcomes.values()) == {errno.EPERM}
        with pytest.raises(BlockingIOError):
            server.accept()


@needs_landlock
def test_other_files_are_out_of_reach(folder):
    outcomes = confined(
        folder,
        """
import av
project = Path(sys.argv[2])
attempt("passwd", lambda: open("/etc/passwd").close())
attempt("neighbour", lambda: open(folder / "secret.txt").close())
attempt("settings", lambda: open(project / "settings.py").close())
attempt("environment of the parent", lambda: open(f"/proc/{os.getppid()}/environ").close())
attempt("list", lambda: os.listdir(folder) and None)
attempt("libav", lambda: av.open("/etc/passwd").close())
attempt("write the source", lambda: open(folder / "source.txt", "a").close())
attempt("write beside", lambda: open(folder / "beside.txt", "w").close())
attempt("write code", lambda: open(project / "media" / "x.py", "w").close())
(folder / "work" / "a").touch()
attempt("move out", lambda: os.rename(folder / "work" / "a", folder / "a"))
attempt("remove", lambda: os.unlink(folder / "secret.txt"))
attempt("link", lambda: os.symlink("/etc/passwd", folder / "work" / "link"))
""",
        PROJECT,
    )
    assert len(outcomes) == 12
    assert {name: code for name, code in outcomes.items() if code not in (errno.EACCES, errno.EXDEV, errno.EPERM)} == {}
    assert (folder / "secret.txt").read_text() == "not yours"


def test_processes_and_permissions_are_out_of_reach(folder):
    outcomes = confined(
        folder,
        """
import signal
attempt("exec", lambda: os.execv("/bin/true", ["true"]))
attempt("fork", lambda: os.fork() and None)
attempt("spawn", lambda: os.posix_spawn("/bin/true", ["true"], {}) and None)
attempt("kill the parent", lambda: os.kill(os.getppid(), 0))
attempt("pidfd", lambda: os.close(os.pidfd_open(os.getppid())))
attempt("chmod", lambda: os.chmod(folder / "source.txt", 0o777))
attempt("chown", lambda: os.chown(folder / "source.txt", 0, 0))
from media import linux
attempt("unshare", lambda: linux.unshare(linux.CLONE_NEWUSER))
attempt("io_uring", lambda: linux.syscall(425, 1, None) and None)
""",
    )
    assert len(outcomes) == 9
    assert set(outcomes.values()) == {errno.EPERM}


def test_what_the_work_needs_is_allowed(folder):
    outcomes = confined(
        folder,
        """
import threading
attempt("source", lambda: open(folder / "source.txt").read())
attempt("write", lambda: (folder / "work" / "a").write_bytes(b"12") and None)
attempt("write again", lambda: (folder / "work" / "a").write_bytes(b"1") and None)
attempt("read back", lambda: (folder / "work" / "a").read_text())
attempt("remove", lambda: os.unlink(folder / "work" / "a"))
import av
def thread():
    worker = threading.Thread(target=lambda: None)
    worker.start()
    worker.join()
attempt("thread", thread)
attempt("random", lambda: len(os.urandom(8)))
""",
    )
    assert outcomes == {
        "source": "the source",
        "write": "allowed",
        "write again": "allowed",
        "read back": "1",
        "remove": "allowed",
        "thread": "allowed",
        "random": 8,
    }


def test_means_are_bounded(folder):
    outcomes = confined(
        folder,
        """
attempt("memory", lambda: bytearray(2 << 30) and None)
attempt("disk", lambda: (folder / "work" / "big").write_bytes(bytes(2 << 20)) and None)
attempt("files", lambda: [os.dup(0) for _ in range(100)] and None)
""",
    )
    assert outcomes == {"memory": "memory", "disk": errno.EFBIG, "files": errno.EMFILE}


def test_a_child_without_its_parent_does_not_begin(folder):
    code = PRELUDE.replace("os.getppid(),\n)", "1 << 22,\n)")
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=PROJECT, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"the parent has gone" in done.stderr


async def test_protection_is_reported(tmp_path):
    protection = await runner.probe_protection(tmp_path)
    assert protection.no_new_privileges
    assert protection.dies_with_parent
    assert protection.landlock_abi == landlock.supported_abi()
    assert protection.complete == (protection.landlock_abi > 0 and protection.seccomp)
    if os.uname().machine in {"x86_64", "aarch64"}:
        assert protection.seccomp


def test_a_container_that_forbids_namespaces_is_no_obstacle(folder):
    forbid_first = """
from media import linux, seccomp
linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
if not seccomp.restrict():
    raise SystemExit("no seccomp")
"""
    begin = PRELUDE.index("folder = ")
    code = (
        PRELUDE[:begin]
        + forbid_first
        + PRELUDE[begin:]
        + """
import socket
attempt("namespace", lambda: protection.network_namespace)
attempt("seccomp", lambda: protection.seccomp)
attempt("socket", lambda: socket.socket().close())
"""
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=PROJECT, capture_output=True, check=False)
    if b"no seccomp" in done.stderr:
        pytest.skip("no seccomp filter for this machine")
    outcomes = dict(json.loads(line) for line in done.stdout.splitlines())
    assert outcomes == {"namespace": False, "seccomp": True, "socket": errno.EPERM}
