"""Two-factor over the wire: its whole life, and a hostile client that has the password already."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.clock import utc_now
from domain.proofs import GOOD_FOR, ProofKind
from domain.sealing import Keys
from domain.tokens import new_token
from i18n import translate
from local.client import Client
from models import EventRecord, RecoveryCode, Session, TwoFactor, User
from models.database import raw_connection
from resolvers.passwords import hash_password
from resolvers.signing_in import SEALED_FOR
from tests.accounts import confirm, mails_to, member, new_address, sign_in, sign_in_with_code, who, wish
from tests.factories import PASSWORD, Factory, Person
from tests.mails import plain
from tests.second_factor import RECOVERY, challenge_for, code_of, second_factor
from tests.studio import Studio


async def person_with_password(make: Factory) -> Person:
    person = await make.person()
    person.user.password_hash = await hash_password(PASSWORD, path=())
    await person.user.save()
    return person


async def told(user: User) -> list[str]:
    """The types of what has happened to the account, in order."""
    return [event.type for event in await EventRecord.filter(subjects__contains=[f"user:{user.id}"]).order_by("id")]


async def challenge(make: Factory, user: User) -> str:
    """What the right password is answered."""
    answer = await sign_in(make.client(), user.email)
    assert (answer["__typename"], answer["code"]) == ("SecondFactorRequired", "SECOND_FACTOR_REQUIRED")
    return str(answer["challenge"])


async def with_code(make: Factory, user: User, code: str, **more: Any) -> str:
    """What a code is answered, with a fresh challenge."""
    answer = await sign_in_with_code(make.client(), challenge_for(user), code, **more)
    return str(answer["__typename"] if answer["__typename"] != "Invalid" else answer["path"][-1])


async def test_the_whole_life_of_a_second_factor(make: Factory, studio: Studio) -> None:
    person = await person_with_password(make)
    client, user = person.client, person.user
    assert await client.do("TwoFactor") == {"enabled": False, "recoveryCodesLeft": 0}
    started = await client.do("StartTwoFactor", password=PASSWORD)
    uri = urlsplit(started["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [started["secret"]]
    assert parse_qs(uri.query)["issuer"] == ["Video Creator"]
    assert user.email.replace("@", "%40") in started["uri"]
    assert (await sign_in(make.client(), user.email))["__typename"] == "SignedIn", "it is not confirmed"

    wrong = (await client.run("ConfirmTwoFactor", code="000000"))["data"]["confirmTwoFactor"]
    assert (wrong["code"], wrong["path"]) == ("INVALID", ["code"])
    codes = (await client.do("ConfirmTwoFactor", code=code_of(started["secret"])))["codes"]
    assert len(set(codes)) == 10
    assert await client.do("TwoFactor") == {"enabled": True, "recoveryCodesLeft": 10}

    other = make.client()
    answer = await sign_in_with_code(other, await challenge(make, user), code_of(started["secret"], steps=1))
    other.token = answer["token"]
    assert await who(other) == answer["user"]["email"] == user.email
    assert await with_code(make, user, codes[0].upper().replace("-", " ")) == "SignedIn"
    assert await client.do("TwoFactor") == {"enabled": True, "recoveryCodesLeft": 9}

    fresh = (await client.do("NewRecoveryCodes", code=codes[1]))["codes"]
    assert not set(fresh) & set(codes)
    assert await with_code(make, user, codes[2]) == "code"
    disabled = await client.do("DisableTwoFactor", password=PASSWORD, code=fresh[0])
    assert disabled == {"__typename": "TwoFactorDisabled", "enabled": False}
    assert (await sign_in(make.client(), user.email))["__typename"] == "SignedIn"
    assert not await RecoveryCode.exists(user_id=user.id)
    await _was_told(user, studio)


async def _was_told(user: User, studio: Studio) -> None:
    kinds = [kind for kind in await told(user) if not kind.startswith("session.")]
    used, opened = "recovery_code.used", ["two_factor.started", "two_factor.enabled"]
    assert kinds == [*opened, used, used, "recovery_codes.renewed", used, "two_factor.disabled"]
    mails = await mails_to(studio, user.email, at_least=5)
    assert sorted(mail["Subject"] for mail in mails) == [
        *["A recovery code was used"] * 3,
        "Two-factor is off",
        "Two-factor is on",
    ]
    assert not [mail for mail in mails if "token=" in mail.as_string()]
    assert any("You have 9 recovery codes left." in plain(mail) for mail in mails)


async def test_neither_secret_nor_codes_lie_anywhere(make: Factory, studio: Studio) -> None:
    client = (await person_with_password(make)).client
    secret = (await client.do("StartTwoFactor", password=PASSWORD))["secret"]
    codes = (await client.do("ConfirmTwoFactor", code=code_of(secret)))["codes"]
    async with raw_connection() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{table[0]}" t') for table in tables]
    lies = "\n".join(row[0] for found in rows for row in found) + studio.log("api") + studio.log("io")
    assert [each for each in (secret, *codes, *(code.replace("-", "") for code in codes)) if each in lies] == []


async def test_a_code_works_once(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    code = code_of(secret)
    answers = await asyncio.gather(*(with_code(make, user, code) for _ in range(5)))
    assert sorted(answers) == ["SignedIn"] + ["code"] * 4
    assert await Session.filter(user_id=user.id).count() == 1


async def test_a_code_that_was_not_looked_at_does_not_count(make: Factory) -> None:
    """There is nothing to be guessed where two-factor is off."""
    ada = await make.person()
    answers = [(await ada.client.run("NewRecoveryCodes", code="000000"))["data"]["newRecoveryCodes"] for _ in range(8)]
    assert {answer["code"] for answer in answers} == {"CONFLICT"}


async def test_a_code_that_was_passed_over_is_not_taken_any_more(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    assert await with_code(make, user, code_of(secret, steps=1)) == "SignedIn"
    assert await with_code(make, user, code_of(secret)) == "code"


async def test_a_recovery_code_works_once(make: Factory) -> None:
    user = await member()
    await second_factor(user)
    answers = await asyncio.gather(*(with_code(make, user, RECOVERY) for _ in range(5)))
    assert sorted(answers) == ["SignedIn"] + ["code"] * 4


async def test_a_recovery_code_is_its_owners(make: Factory) -> None:
    user, other = await member(), await member()
    await second_factor(user)
    await second_factor(other)
    assert await with_code(make, user, RECOVERY) == "SignedIn"
    assert await with_code(make, other, RECOVERY) == "SignedIn", "it was not used up by the other"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "a" * 10_000, "\x00", "null", "０００００００"])
async def test_nothing_else_is_taken_for_a_code(make: Factory, code: str) -> None:
    user = await member()
    await second_factor(user)
    assert await with_code(make, user, code) == "code"


async def test_the_password_alone_opens_nothing(make: Factory) -> None:
    user, client = await member(), make.client()
    await second_factor(user)
    answer = await sign_in(client, user.email)
    assert answer.keys() == {"__typename", "code", "message", "path", "challenge"}
    assert not client.http.cookies
    client.token = answer["challenge"]
    assert await who(client) is None
    assert not await Session.exists(user_id=user.id)
    assert await told(user) == []


async def test_a_wrong_password_is_told_from_no_factor(make: Factory) -> None:
    user = await member()
    await second_factor(user)
    answers = [await sign_in(make.client(), email, "not the password") for email in (user.email, new_address())]
    assert answers[0] == answers[1]


async def test_nothing_else_is_taken_for_a_challenge(make: Factory) -> None:
    user, other = await member(), await member()
    secret, _ = await second_factor(user), await second_factor(other)
    device = (await sign_in(make.client(), (await member()).email))["deviceToken"]
    late = challenge_for(user, utc_now() - GOOD_FOR[ProofKind.PASSWORD])
    good = challenge_for(user)
    changed = ("B" if good[0] == "A" else "A") + good[1:]
    for token in (device, late, changed, good + "A", good[:-1], new_token(), "", "x" * 10_000):
        answer = await sign_in_with_code(make.client(), token, code_of(secret))
        assert (answer["code"], answer["path"]) == ("UNAUTHENTICATED", None), token
    answer = await sign_in_with_code(make.client(), challenge_for(other), code_of(secret))
    assert answer["path"] == ["input", "code"], "the challenge says whose code it has to be"
    assert await with_code(make, user, code_of(secret)) == "SignedIn"


async def test_a_challenge_ends_with_the_password(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    begun = await challenge(make, user)
    await User.filter(id=user.id).update(password_hash="changed")
    assert (await sign_in_with_code(make.client(), begun, code_of(secret)))["code"] == "UNAUTHENTICATED"


async def test_codes_cannot_be_guessed_at(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    answers = await asyncio.gather(*(with_code(make, user, f"{number:06}") for number in range(20)))
    assert answers.count("Throttled") >= 15
    assert await with_code(make, user, code_of(secret)) == "Throttled"
    assert await with_code(make, user, RECOVERY) == "Throttled"
    kinds = await told(user)
    assert kinds == ["sign_in.failed"]


async def test_one_challenge_takes_so_many_codes(make: Factory) -> None:
    """Whatever device or address it is tried from."""
    user = await member()
    await second_factor(user)
    begun = challenge_for(user)
    answers = [await sign_in_with_code(make.client(), begun, f"{number:06}") for number in range(6)]
    assert answers[-1]["__typename"] == "Throttled"
    assert 0 < answers[-1]["retryAfterSeconds"] <= 300


async def test_a_known_device_is_not_locked_out_by_who_guesses_codes(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    session = await sign_in_with_code(make.client(), challenge_for(user), code_of(secret))
    for number in range(6):
        await with_code(make, user, f"{number:06}")
    later = code_of(secret, steps=1)  # also right if a step begins just now
    assert await with_code(make, user, later) == "Throttled"
    assert await with_code(make, user, later, deviceToken=session["deviceToken"]) == "SignedIn"


async def test_the_link_of_a_sign_up_does_not_get_around_it(make: Factory) -> None:
    user = await member()
    await second_factor(user)
    answer = await confirm(make.client(), await wish(user.email), PASSWORD)
    assert answer["code"] == "CONFLICT"
    assert not await Session.exists(user_id=user.id)


async def test_switching_it_on_or_off_takes_the_password(make: Factory) -> None:
    person = await person_with_password(make)
    answers = [
        (await person.client.run("StartTwoFactor", password="not the password"))["data"]["startTwoFactor"],
        (await person.client.run("DisableTwoFactor", password="no", code=RECOVERY))["data"]["disableTwoFactor"],
    ]
    assert [(answer["code"], answer["path"]) for answer in answers] == [("INVALID", ["password"])] * 2
    for _ in range(3):
        await person.client.run("StartTwoFactor", password="not the password")
    refused = (await person.client.run("StartTwoFactor", password=PASSWORD))["data"]["startTwoFactor"]
    assert refused["__typename"] == "Throttled"
    assert not await TwoFactor.exists(user_id=person.user.id)


async def test_switching_it_off_takes_a_code_too(make: Factory) -> None:
    person = await person_with_password(make)
    await second_factor(person.user)
    answer = await person.client.run("DisableTwoFactor", password=PASSWORD, code="000000")
    assert answer["data"]["disableTwoFactor"]["path"] == ["code"]
    assert await TwoFactor.is_on(person.user.id)


async def test_who_signs_in_elsewhere_has_no_password_to_give(make: Factory) -> None:
    person = await make.person()
    await User.filter(id=person.user.id).update(password_hash=None)
    answer = (await person.client.run("StartTwoFactor", password=""))["data"]["startTwoFactor"]
    assert (answer["code"], answer["path"]) == ("INVALID", ["password"])


async def test_steps_out_of_turn_are_conflicts(make: Factory) -> None:
    person = await person_with_password(make)

    async def code(operation: str, **variables: str) -> str:
        answer = (await person.client.run(operation, **variables))["data"]
        return str(next(iter(answer.values()))["code"])

    off = {
        "ConfirmTwoFactor": {"code": "000000"},
        "NewRecoveryCodes": {"code": "000000"},
        "DisableTwoFactor": {"password": PASSWORD, "code": "000000"},
    }
    assert [await code(operation, **variables) for operation, variables in off.items()] == ["CONFLICT"] * 3
    await second_factor(person.user)
    on = {"StartTwoFactor": {"password": PASSWORD}, "ConfirmTwoFactor": {"code": "000000"}}
    assert [await code(operation, **variables) for operation, variables in on.items()] == ["CONFLICT"] * 2
    assert await TwoFactor.is_on(person.user.id)


async def test_of_two_who_begin_at_once_the_last_secret_counts(make: Factory) -> None:
    person = await person_with_password(make)
    started = await asyncio.gather(*(person.client.do("StartTwoFactor", password=PASSWORD) for _ in range(4)))
    codes = [code_of(each["secret"]) for each in started]
    answers = [(await person.client.run("ConfirmTwoFactor", code=code))["data"]["confirmTwoFactor"] for code in codes]
    assert [answer["__typename"] for answer in answers].count("RecoveryCodes") == 1


async def test_nobody_has_a_second_factor(make: Factory) -> None:
    nobody = make.client()
    assert (await nobody.run("TwoFactor"))["data"]["twoFactor"] is None
    for operation, variables in (
        ("StartTwoFactor", {"password": "x"}),
        ("ConfirmTwoFactor", {"code": "x"}),
        ("DisableTwoFactor", {"password": "x", "code": "x"}),
        ("NewRecoveryCodes", {"code": "x"}),
    ):
        (answer,) = (await nobody.run(operation, **variables))["data"].values()
        assert answer["code"] == "UNAUTHENTICATED"


async def test_with_another_secret_key_recovery_codes_are_still_good(make: Factory, studio: Studio) -> None:
    user = await member()
    secret = await second_factor(user)
    sealed = Keys("the key that it was before, 32 characters").seal(SEALED_FOR, secret, of=str(user.id))
    await TwoFactor.filter(user_id=user.id).update(sealed_secret=sealed)
    assert await with_code(make, user, code_of(secret)) == "code"
    assert "two_factor.unreadable" in studio.log("api")
    assert await with_code(make, user, RECOVERY) == "SignedIn"


async def test_a_sealed_secret_opens_for_its_owner_alone(make: Factory) -> None:
    """Whoever can write into the table, and reads nothing, cannot put their own secret in somebody's place."""
    victim, attacker = await member(), await member()
    await second_factor(victim)
    secret = await second_factor(attacker)
    sealed = (await TwoFactor.get(user_id=attacker.id)).sealed_secret
    await TwoFactor.filter(user_id=victim.id).update(sealed_secret=sealed)
    assert await with_code(make, victim, code_of(secret)) == "code"


async def test_a_mail_is_in_the_language_of_its_reader(make: Factory, studio: Studio) -> None:
    user = await member()
    await User.filter(id=user.id).update(locale="de")
    await second_factor(user)
    assert await with_code(make, user, RECOVERY) == "SignedIn"
    (mail,) = await mails_to(studio, user.email)
    assert mail["Subject"] == translate("de", "mail.recovery_code_used.subject")
    assert "Hallo Grace" in plain(mail)


async def test_a_challenge_is_good_for_five_minutes(make: Factory) -> None:
    user = await member()
    secret = await second_factor(user)
    nearly = challenge_for(user, utc_now() - timedelta(minutes=4, seconds=30))
    answer = await sign_in_with_code(make.client(), nearly, code_of(secret))
    assert answer["__typename"] == "SignedIn"


async def renew(client: Client, code: str) -> Any:
    return (await client.run("NewRecoveryCodes", code=code))["data"]["newRecoveryCodes"]


async def test_new_codes_are_made_once_per_code(make: Factory) -> None:
    person = await person_with_password(make)
    secret = await second_factor(person.user)
    code = code_of(secret)
    answers = await asyncio.gather(*(renew(person.client, code) for _ in range(3)))
    assert sorted(answer["__typename"] for answer in answers) == ["Invalid", "Invalid", "RecoveryCodes"]
    assert await RecoveryCode.filter(user_id=person.user.id).count() == 10
