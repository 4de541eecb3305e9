"""A seccomp filter: the system calls that a decoder never needs and an intruder does fail with EPERM."""

import ctypes
import errno
import os
from dataclasses import dataclass

from media import linux


@dataclass(frozen=True)
class _Machine:
    audit_arch: int
    clone: int
    tgkill: int
    prlimit64: int
    denied: tuple[int, ...]


# Numbers of the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
_EVERYWHERE = (
    *(424, 434, 438),  # pidfd_send_signal, pidfd_open, pidfd_getfd
    *(425, 426, 427),  # io_uring_setup, _enter, _register: it opens and connects past this filter
    *(428, 429, 430, 431, 432, 433, 442),  # open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr
    *(452, 463, 466),  # fchmodat2, setxattrat, removexattrat
)
_X86_64 = _Machine(
    audit_arch=0xC000003E,
    clone=56,
    tgkill=234,
    prlimit64=302,
    denied=(
        *(41, 53, 42, 49, 50, 43, 288, 44, 46, 307),  # socket, socketpair, connect, bind, listen, accept(4), send*
        *(57, 58, 59, 322),  # fork, vfork, execve, execveat
        *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
        *(321, 298, 323),  # bpf, perf_event_open, userfaultfd
        *(272, 308, 165, 166, 155, 161, 304),  # unshare, setns, mount, umount2, pivot_root, chroot, open_by_handle_at
        *(248, 249, 250),  # add_key, request_key, keyctl
        *(
            175,
            313,
            176,
            246,
            320,
            169,
        ),  # init_module, finit_module, delete_module, kexec_load, kexec_file_load, reboot
        *(62, 200, 129, 297),  # kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo
        *(90, 91, 268, 92, 93, 94, 260),  # chmod, fchmod, fchmodat, chown, fchown, lchown, fchownat
        *(188, 189, 190, 197, 198, 199),  # setxattr, lsetxattr, fsetxattr, removexattr, lremovexattr, fremovexattr
        *(132, 235, 261, 280),  # utime, utimes, futimesat, utimensat
        *_EVERYWHERE,
    ),
)
_AARCH64 = _Machine(
    audit_arch=0xC00000B7,
    clone=220,
    tgkill=131,
    prlimit64=261,
    denied=(
        *(198, 199, 203, 200, 201, 202, 242, 206, 211, 269),
        *(221, 281),
        *(117, 270, 271, 272),
        *(280, 241, 282),
        *(97, 268, 40, 39, 41, 51, 265),
        *(217, 218, 219),
        *(105, 273, 106, 104, 294, 142),
        *(129, 130, 138, 240),
        *(52, 53, 55, 54),
        *(5, 6, 7, 14, 15, 16),
        88,
        *_EVERYWHERE,
    ),
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}
_CLONE3 = 435
_X32_BIT = 0x40000000

# Classic BPF, as seccomp reads it: load a word of the call's data, compare, return a verdict.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_OFFSET, _ARCH_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_SECCOMP_MODE_FILTER = 2


def _fail(number: int) -> int:
    return 0x00050000 | number


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


_Step = tuple[int, int, int, int]


def restrict() -> bool:
    """Put the filter on this process and its future threads; answers whether it holds.

    The process must already have `no_new_privs`. False on an architecture without a table or a kernel without seccomp.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    steps = _program(machine)
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    try:
        linux.prctl(linux.PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
    except OSError:
        return False
    return True


def _program(machine: _Machine) -> list[_Step]:
    return [
        (_LOAD, 0, 0, _ARCH_OFFSET),
        (_EQUAL, 1, 0, machine.audit_arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL),
        *(step for number in machine.denied for step in _verdict(number, errno.EPERM)),
        # The C library then falls back to clone, whose flags a filter can read.
        *_verdict(_CLONE3, errno.ENOSYS),
        *_only_if(machine.clone, _ANY_BIT, linux.CLONE_THREAD),  # threads, no processes
        *_only_if(machine.tgkill, _EQUAL, os.getpid()),  # abort() is a signal to oneself
        *_only_if(machine.prlimit64, _EQUAL, 0),  # one's own limits
        (_RETURN, 0, 0, _ALLOW),
    ]


def _verdict(number: int, error: int) -> tuple[_Step, ...]:
    return ((_EQUAL, 0, 1, number), (_RETURN, 0, 0, _fail(error)))


def _only_if(number: int, comparison: int, value: int) -> tuple[_Step, ...]:
    return (
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        (comparison, 0, 1, value),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _fail(errno.EPERM)),
    )
