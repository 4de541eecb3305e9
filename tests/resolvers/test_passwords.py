"""Hashing: never more than two at once, never a queue without an end; and the list of common passwords."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from domain.errors import Invalid, Throttled
from resolvers import passwords
from resolvers.common_passwords import common_passwords
from resolvers.passwords import SHORTEST, hash_password, password_matches, rehashed

PASSWORD = "a long enough password"


class Watched:
    """A hasher that notes how many of its calls run at the same time."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self._lock = threading.Lock()

    def verify(self, _stored, _password):
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.01)
        with self._lock:
            self.running -= 1
        return True

    def hash(self, _password):
        return "hash"


@pytest.fixture
def watched(monkeypatch):
    watched = Watched()
    monkeypatch.setattr(passwords, "_HASHER", watched)
    passwords._decoy.cache_clear()
    yield watched
    passwords._decoy.cache_clear()


async def test_two_hashes_at_once_and_no_more(watched):
    assert await asyncio.gather(*(password_matches("x", "stored") for _ in range(20))) == [True] * 20
    assert watched.most == 2


async def test_who_gives_up_makes_no_room_for_a_third(watched):
    """A thread cannot be stopped: a client that hangs up and asks again would otherwise have as many as it likes."""
    for _ in range(10):
        asked = asyncio.create_task(password_matches("x", "stored"))
        await asyncio.sleep(0)
        asked.cancel()
    await asyncio.gather(*(password_matches("x", "stored") for _ in range(4)))
    assert watched.most <= 2


async def test_a_queue_that_is_too_long_is_refused_at_once(watched, monkeypatch):
    monkeypatch.setattr(passwords, "MOST_WAITING", 5)
    answers = await asyncio.gather(*(password_matches("x", "stored") for _ in range(9)), return_exceptions=True)
    assert [isinstance(answer, Throttled) for answer in answers] == [False] * 5 + [True] * 4
    assert await password_matches("x", "stored"), "it is free again"


async def test_a_hash_is_the_passwords_own():
    stored = await hash_password(PASSWORD, path=())
    assert await password_matches(PASSWORD, stored)
    assert not await password_matches(PASSWORD + "!", stored)
    assert not await password_matches(PASSWORD, None)
    assert not await password_matches(PASSWORD, "none")
    assert await rehashed(PASSWORD, stored) is None


@pytest.mark.parametrize("password", ["QwErTyUiOp", "password123", "1234567890"])
async def test_the_most_common_are_refused(password):
    with pytest.raises(Invalid, match=r"problem\.password_common"):
        await hash_password(password, path=("password",))


async def test_what_is_known_of_somebody_is_refused():
    for password in ("Zoë Müller-Lüdenscheidt", "zoe@example.com", "MÜLLER1234", "zoëzoëzoëzoë"):
        with pytest.raises(Invalid, match=r"problem\.password_personal"):
            await hash_password(password, path=(), person=("Zoë Müller-Lüdenscheidt", "zoe@example.com"))
    assert await hash_password("Müller mills flour", path=(), person=("Zoë Müller", "zoe@example.com"))
    assert await hash_password(PASSWORD, path=(), person=("a", "", "@"))


def test_the_list_holds_what_can_be_chosen_here():
    found = common_passwords(SHORTEST)
    assert 1000 < len(found) < 30_000
    assert min(map(len, found)) == SHORTEST
    assert not [word for word in found if word != word.casefold()], "they are compared in lower case"


def test_the_list_is_not_read_before_it_is_needed():
    """Nor is the package ever imported, which would keep all its dictionaries."""
    code = (
        "import sys, resolvers.passwords as p; cached = p.common_passwords.cache_info().currsize;"
        "p.common_passwords(10); print(cached, any('zxcvbn' in name for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]
