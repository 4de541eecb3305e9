"""What the child puts on before it touches a stranger's file: no network, no other files, no processes, bounded means.

Runs before `import av`, so that the decoders are loaded into a process that is already harmless. Each layer is put on
where the kernel and the container allow it; what holds is reported, so that an operator can see what is missing.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import domain
from media import landlock, linux, seccomp

_OPEN_FILES = 64
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522
_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the child may use: files it may read, the one folder it may write, and its means."""

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Protection:
    """Which layers hold. `landlock_abi` is 0 without Landlock; the file rules hold from 1 on."""

    landlock_abi: int
    seccomp: bool
    network_namespace: bool
    capabilities_dropped: bool
    no_new_privileges: bool
    dies_with_parent: bool

    @property
    def complete(self) -> bool:
        """Whether a hostile file can reach neither the network nor any other file."""
        return self.landlock_abi > 0 and self.seccomp and self.no_new_privileges


def enter(confinement: Confinement, parent: int) -> Protection:
    """Confine this process for good. `parent` is the process that started it; it must still be there.

    Must run while there is one thread only. Raises SystemExit if the parent has already gone.
    """
    _limit_means(confinement)
    network_namespace = _succeeds(_leave_network)
    capabilities_dropped = _succeeds(_drop_capabilities)
    # After the two above: the kernel forgets the death signal whenever credentials change.
    dies_with_parent = _succeeds(lambda: linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent:
        raise SystemExit("the parent has gone")
    no_new_privileges = _succeeds(lambda: linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1))
    return Protection(
        landlock_abi=landlock.restrict([*_program_files(), *confinement.readable], confinement.writable),
        seccomp=seccomp.restrict(),
        network_namespace=network_namespace,
        capabilities_dropped=capabilities_dropped,
        no_new_privileges=no_new_privileges,
        dies_with_parent=dies_with_parent,
    )


def _succeeds(layer: Callable[[], None]) -> bool:
    try:
        layer()
    except OSError:
        return False
    return True


def _limit_means(confinement: Confinement) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, confinement.memory_bytes),
        (resource.RLIMIT_CPU, confinement.cpu_seconds),
        (resource.RLIMIT_FSIZE, confinement.file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, bound))


def _leave_network() -> None:
    try:
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNET | linux.CLONE_NEWIPC)
    except OSError:  # containers often forbid user namespaces but let root make the others
        linux.unshare(linux.CLONE_NEWNET | linux.CLONE_NEWIPC)


def _drop_capabilities() -> None:
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        raise OSError("no system call number for this machine")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    linux.syscall(number, ctypes.byref(header), ctypes.byref(nothing))


def _program_files() -> Iterable[Path]:
    """Name what Python and the decoders read: libraries and packages, and of this project only what the child runs."""
    project = Path(domain.__path__[0]).parent
    yield from (project / "media", project / "domain")
    yield from (Path(path) for path in sys.path if path and Path(path) != project)
    yield Path(os.__file__).parent
    yield from (Path(path) for path in (*_SYSTEM_LIBRARIES, *_DEVICES))
