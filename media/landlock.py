"""Landlock: from here on this process opens only the files that were named."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from media import linux

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8, 1 << 14
_ONLY_FOLDERS = _READ_DIR | _REMOVE_FILE | _MAKE_REG
# File rights grew with the kernel: by ABI, the number of rights that exist.
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NOW = 16
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def supported_abi() -> int:
    """Say which version of Landlock the kernel offers, 0 for none."""
    try:
        return linux.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:  # not built in, switched off, or hidden by a container's own filter
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Allow this process reading beneath `readable`, reading and writing beneath `writable`, and nothing else.

    TCP, abstract sockets and signals to other processes are cut too where the kernel can. Answers the ABI that
    holds, 0 for none. The process must already have `no_new_privs`. Paths that do not exist or
    that it could not open anyway are passed over.
    """
    abi = supported_abi()
    if not abi:
        return 0
    handled = (1 << _RIGHTS_BY_ABI.get(abi, _RIGHTS_NOW)) - 1
    ruleset = _create_ruleset(abi, handled)
    try:
        for path in readable:
            _allow(ruleset, path, handled & (_READ_FILE | _READ_DIR))
        for path in writable:
            _allow(ruleset, path, handled & (_READ_FILE | _WRITE_FILE | _TRUNCATE | _ONLY_FOLDERS))
        linux.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _create_ruleset(abi: int, handled: int) -> int:
    attr = _RulesetAttr(
        fs=handled,
        net=_TCP_BIND_AND_CONNECT if abi >= _TCP_SINCE else 0,
        scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPES_SINCE else 0,
    )
    # An older kernel refuses a struct with fields it does not know, so only the known ones are shown to it.
    fields = 1 + (abi >= _TCP_SINCE) + (abi >= _SCOPES_SINCE)
    return linux.syscall(_CREATE_RULESET, ctypes.byref(attr), fields * ctypes.sizeof(ctypes.c_uint64), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not path.is_dir():
            rights &= ~_ONLY_FOLDERS
        rule = _PathBeneathAttr(allowed=rights, parent_fd=handle)
        linux.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)
