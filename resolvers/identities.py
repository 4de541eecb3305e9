"""Signing in with an account elsewhere."""

import json
from contextlib import suppress
from uuid import UUID

from tortoise.exceptions import IntegrityError

from domain.errors import Conflict, Invalid, SecondFactorRequired, Unauthenticated
from domain.events import IdentityLinked, IdentityRemoved
from domain.ids import new_id
from domain.mails import MailKind
from domain.sealing import Unreadable
from domain.text import email_address, one_line
from gateways.oidc import Claims
from models import Identity, TwoFactor, User
from models.database import transaction
from resolvers.accounts import challenged, join
from resolvers.caller import Caller, hold_asker, tell
from resolvers.notices import notify
from resolvers.signing_in import SignedIn, open_session

NAME = 100
_AND = "."
"""Parts a challenge, which never has one, and what follows."""
_WAITING = "an identity that waits for a code"


async def sign_in_with(caller: Caller, provider: str, claims: Claims) -> SignedIn:
    """Opens a session for whoever `claims` names: the person of that identity, or of that address, or a new one.

    Conflict where the provider vouches for no address: then nobody knows whose account it would be.
    SecondFactorRequired for who has two-factor here, whatever the provider has asked for: `sign_in_with_code` takes its
    challenge, which holds what is to be linked.
    """
    try:
        user = await _person(caller, provider, claims)
    except (IntegrityError, Conflict):  # the same person, twice at once, or they moved: now that can be seen
        user = await _person(caller, provider, claims)
    try:
        async with transaction():
            return await open_session(caller, user)
    except SecondFactorRequired as needed:
        if await Identity.exists(issuer=claims.issuer, subject=claims.subject):
            raise
        raise SecondFactorRequired(
            challenge=_with_claims(caller, needed.params["challenge"], provider, claims)
        ) from None


async def sign_in_with_code(caller: Caller, *, challenge: str, code: str) -> SignedIn:
    """Opens a session for who has come back from a provider, and links what waits for that. See `challenged`."""
    challenge, waiting = _parted(caller, challenge)
    async with challenged(caller, challenge, code) as user:
        if waiting is not None:
            await _link_waiting(caller, await User.hold(user.id), *waiting)
        return await open_session(caller, user, second_factor=True)


async def remove(caller: Caller, *, identity_id: UUID) -> Identity:
    """That account cannot be signed in with any more; Conflict where there would be no other way in."""
    async with transaction():
        user = await hold_asker(caller)
        identity = await Identity.lock(identity_id, caller.viewer)
        others = await Identity.filter(user_id=user.id).exclude(id=identity_id).exists()
        if user.password_hash is None and not others:
            raise Conflict("problem.last_way_in")
        await identity.delete()
        await tell(caller, IdentityRemoved, None, user_id=user.id, provider=identity.provider)
    return identity


async def _person(caller: Caller, provider: str, claims: Claims) -> User:
    async with transaction():
        identity = await Identity.held(claims.issuer, claims.subject)
        if identity is None:
            return await _linked(caller, provider, claims)
        await identity.used(caller.now())
        return await User.get(id=identity.user_id)


async def _linked(caller: Caller, provider: str, claims: Claims) -> User:
    """The person of the address that the provider vouches for, who may sign in by it from now on.

    Where they have two-factor, from when they have given their code: an address does not prove them.
    """
    address = _address(claims)
    if address is None:
        raise Conflict("problem.address_not_vouched_for")
    known = await User.get_or_none(email=address)
    user = await User.hold(known.id) if known else await _newcomer(caller, address, claims.name)
    if user.email != address:
        raise Conflict("problem.sign_in_elsewhere")  # it was theirs when we began to wait
    if known and await TwoFactor.is_on(known.id):
        return user
    await _link(caller, user, provider, claims)
    return user


async def _link_waiting(caller: Caller, held: User, provider: str, claims: Claims) -> None:
    """Unless the address that found them is theirs no more, or somebody has been linked meanwhile."""
    if _address(claims) == held.email and not await Identity.held(claims.issuer, claims.subject):
        await _link(caller, held, provider, claims)


async def _link(caller: Caller, user: User, provider: str, claims: Claims) -> None:
    now = caller.now()
    await Identity.create(
        user_id=user.id,
        provider=provider,
        issuer=claims.issuer,
        subject=claims.subject,
        email=user.email,
        created_at=now,
        used_at=now,
    )
    await tell(caller, IdentityLinked, None, by=user.id, user_id=user.id, provider=provider)
    await notify(user, MailKind.IDENTITY_LINKED, now, provider=provider)


def _address(claims: Claims) -> str | None:
    return None if claims.email is None else email_address(claims.email, path=())


def _with_claims(caller: Caller, challenge: str, provider: str, claims: Claims) -> str:
    """The challenge, and what is linked when its code is given: sealed, for this challenge alone."""
    told = json.dumps([provider, claims.issuer, claims.subject, claims.email], ensure_ascii=False)
    return challenge + _AND + caller.rules.keys.seal(_WAITING, told, of=challenge)


def _parted(caller: Caller, challenge: str) -> tuple[str, tuple[str, Claims] | None]:
    """The inverse of `_with_claims`; with None for a challenge alone."""
    challenge, found, sealed = challenge.partition(_AND)
    if not found:
        return challenge, None
    try:
        provider, issuer, subject, email = json.loads(caller.rules.keys.open(_WAITING, sealed, of=challenge))
    except Unreadable as error:
        raise Unauthenticated("problem.challenge_over") from error
    return challenge, (provider, Claims(issuer, subject, email, name=None))


async def _newcomer(caller: Caller, address: str, name: str | None) -> User:
    """A person without a password, in a team of their own."""
    called = _one_line(name or "") or address.partition("@")[0]
    user = User(id=new_id(), email=address, name=called, locale=caller.asked_locale, created_at=caller.now())
    await join(caller, user, team_name=called)
    return user


def _one_line(name: str) -> str:
    """What the provider calls them, as far as it is a name; else nothing."""
    with suppress(Invalid):
        return one_line(name[:NAME], path=(), most=NAME)
    return ""
