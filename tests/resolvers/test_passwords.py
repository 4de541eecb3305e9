"""Hashing: never more than two at once, never a queue without an end; and the list of common passwords."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from domain.errors import Invalid, Throttled
from domain.proofs import salt_of
from resolvers import passwords
from resolvers.common_passwords import common_passwords
from resolvers.passwords import SHORTEST, hash_password, password_matches, rehashed

PASSWORD = "a long enough password"
STORED = "$argon2id$of-somebody"
# Made by the library that was here before: with today's parameters, with the ones before these, with several lanes.
OF_ANOTHER_LIBRARY = [
    "$argon2id$v=19$m=12288,t=3,p=1$KSZCa+HzL3FttWGTuu2/ow$fs/nRAL5oIHN5NvB95LbkeFWfVnxYYf3S3z1FrR8hR0",
    "$argon2id$v=19$m=19456,t=2,p=1$BpA0+iE2S+pklKN4ExqTDg$Syr08VJSdvGzzp+Jq/sf+uX4Yn90kUpDwIroH6OVAKc",
    "$argon2id$v=19$m=8192,t=1,p=4$Di7BXPcMQ8Mn9u0VfK9gUw$2b6fTHUGRs6el+cGGAHfaZfyGzdszi8IRXi1MZ6bhqE",
]
# The right password's, but not by Argon2id: nothing here has ever made one.
OF_ANOTHER_KIND = "$argon2i$v=19$m=8192,t=3,p=1$DNXKoTa5E5vNRQ/9W87YkQ$6iNkYoMtOThulzC0GyRukgbjfoCZS26VuoW5eoXxJhI"
MALFORMED = [
    "",
    "none",
    "$argon2id$",
    "$argon2id$é",
    OF_ANOTHER_LIBRARY[0][:-1],
    OF_ANOTHER_LIBRARY[0] + "A" * 100,
    OF_ANOTHER_LIBRARY[0].replace("t=3", "t=0"),
    OF_ANOTHER_LIBRARY[0].replace("m=12288", "m=4294967295"),
    OF_ANOTHER_LIBRARY[0].replace("v=19", "v=16"),
    OF_ANOTHER_KIND,
    "$2b$12$K3JNm1q1Zk5mB9m0e1gE4uBvX8o3p8m2pUuJ4nq0bM8pZrFqgS3yK",
]


class Watched:
    """A hasher that notes how many of its calls run at the same time."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self._lock = threading.Lock()

    def compare(self, _stored, _password):
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
    monkeypatch.setattr(passwords, "_compare", watched.compare)
    monkeypatch.setattr(passwords, "_hash", watched.hash)
    passwords._decoy.cache_clear()
    yield watched
    passwords._decoy.cache_clear()


async def test_two_hashes_at_once_and_no_more(watched):
    assert await asyncio.gather(*(password_matches("x", STORED) for _ in range(20))) == [True] * 20
    assert watched.most == 2


async def test_who_gives_up_makes_no_room_for_a_third(watched):
    """A thread cannot be stopped: a client that hangs up and asks again would otherwise have as many as it likes."""
    for _ in range(10):
        asked = asyncio.create_task(password_matches("x", STORED))
        await asyncio.sleep(0)
        asked.cancel()
    await asyncio.gather(*(password_matches("x", STORED) for _ in range(4)))
    assert watched.most <= 2


async def test_a_queue_that_is_too_long_is_refused_at_once(watched, monkeypatch):
    monkeypatch.setattr(passwords, "MOST_WAITING", 5)
    answers = await asyncio.gather(*(password_matches("x", STORED) for _ in range(9)), return_exceptions=True)
    assert [isinstance(answer, Throttled) for answer in answers] == [False] * 5 + [True] * 4
    assert await password_matches("x", STORED), "it is free again"


async def test_a_hash_is_the_passwords_own():
    stored = await hash_password(PASSWORD, path=())
    assert await password_matches(PASSWORD, stored)
    assert not await password_matches(PASSWORD + "!", stored)
    assert not await password_matches(PASSWORD, None)
    assert await rehashed(PASSWORD, stored) is None


@pytest.mark.parametrize("stored", OF_ANOTHER_LIBRARY)
async def test_hashes_that_are_there_go_on_being_good(stored):
    assert await password_matches(PASSWORD, stored)
    assert not await password_matches(PASSWORD + "!", stored)


async def test_only_what_has_other_parameters_is_hashed_anew():
    todays, *others = OF_ANOTHER_LIBRARY
    assert await rehashed(PASSWORD, todays) is None
    for other in others:
        anew = await rehashed(PASSWORD, other)
        assert anew.startswith("$argon2id$v=19$m=12288,t=3,p=1$")
        assert await password_matches(PASSWORD, anew)
        assert not await password_matches(PASSWORD + "!", anew)
        assert await rehashed(PASSWORD, anew) is None


async def test_hashed_anew_by_two_at_once_it_is_the_same_and_has_its_salt():
    for other in OF_ANOTHER_LIBRARY[1:]:
        one, two = await asyncio.gather(rehashed(PASSWORD, other), rehashed(PASSWORD, other))
        assert one == two
        assert salt_of(one) == salt_of(other) != salt_of(await hash_password(PASSWORD, path=()))


async def test_a_salt_of_another_length_is_not_kept():
    anew = await rehashed(PASSWORD, OF_ANOTHER_LIBRARY[1].replace("ExqTDg", "ExqT"))
    assert await password_matches(PASSWORD, anew)


@pytest.mark.parametrize("stored", MALFORMED)
async def test_what_is_no_hash_of_ours_is_behind_no_password(stored):
    assert not await password_matches(PASSWORD, stored)


@pytest.mark.parametrize("stored", [None, "none", OF_ANOTHER_KIND])
async def test_where_there_is_no_hash_another_is_compared(monkeypatch, stored):
    """So that it takes as long; and who knows the password of that one is not let in by it."""
    tried = []
    monkeypatch.setattr(passwords, "_compare", lambda *pair: tried.append(pair) or True)
    assert not await password_matches(PASSWORD, stored)
    assert tried == [(passwords._decoy(), PASSWORD)]


async def test_hashing_does_not_stop_the_interpreter():
    """It runs without the interpreter's lock: the loop goes on in the middle of it."""
    spans, moments = [], []

    def hash_at_length():
        begun = time.perf_counter()
        passwords._hash(PASSWORD)
        spans.append((begun, time.perf_counter()))

    for _ in range(20):
        hashing = asyncio.create_task(asyncio.to_thread(hash_at_length))
        while not hashing.done():
            moments.append(time.perf_counter())
            await asyncio.sleep(0)
    third = [(end - begin) / 3 for begin, end in spans]
    middles = [(begin + part, end - part) for (begin, end), part in zip(spans, third, strict=True)]
    assert any(begin < moment < end for begin, end in middles for moment in moments)


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
