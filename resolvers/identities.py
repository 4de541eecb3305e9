"""Signing in with an account elsewhere."""

from contextlib import suppress
from uuid import UUID

from tortoise.exceptions import IntegrityError

from domain.errors import Conflict, Invalid
from domain.events import IdentityLinked, IdentityRemoved
from domain.ids import new_id
from domain.mails import MailKind
from domain.text import email_address, one_line
from gateways.oidc import Claims
from models import Identity, TwoFactor, User
from models.database import transaction
from resolvers.accounts import join
from resolvers.caller import Caller, require_somebody, tell
from resolvers.notices import notify
from resolvers.signing_in import SignedIn, open_session

NAME = 100


async def sign_in_with(caller: Caller, provider: str, claims: Claims) -> SignedIn:
    """Opens a session for whoever `claims` names: the person of that identity, or of that address, or a new one.

    Conflict where the provider vouches for no address: then nobody knows whose account it would be.
    SecondFactorRequired for who has two-factor here, whatever the provider has asked for.
    """
    try:
        user = await _person(caller, provider, claims)
    except IntegrityError:  # the same person, twice at once: now they can be seen
        user = await _person(caller, provider, claims)
    async with transaction():
        return await open_session(caller, user)


async def remove(caller: Caller, *, identity_id: UUID) -> Identity:
    """That account cannot be signed in with any more; Conflict where there would be no other way in."""
    user_id = require_somebody(caller)
    async with transaction():
        user = await User.hold(user_id)
        identity = await Identity.lock(identity_id, caller.viewer)
        others = await Identity.filter(user_id=user_id).exclude(id=identity_id).exists()
        if user.password_hash is None and not others:
            raise Conflict("problem.last_way_in")
        await identity.delete()
        await tell(caller, IdentityRemoved, None, user_id=user_id, provider=identity.provider)
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

    Not where they have two-factor: an address does not prove them, and their code is still to come.
    """
    if claims.email is None:
        raise Conflict("problem.address_not_vouched_for")
    address, now = email_address(claims.email, path=()), caller.now()
    known = await User.get_or_none(email=address)
    user = await User.hold(known.id) if known else await _newcomer(caller, address, claims.name)
    if known and await TwoFactor.is_on(known.id):
        return user
    await Identity.create(
        user_id=user.id,
        provider=provider,
        issuer=claims.issuer,
        subject=claims.subject,
        email=address,
        created_at=now,
        used_at=now,
    )
    await tell(caller, IdentityLinked, None, by=user.id, user_id=user.id, provider=provider)
    await notify(user, MailKind.IDENTITY_LINKED, now, provider=provider)
    return user


async def _newcomer(caller: Caller, address: str, name: str | None) -> User:
    """A person without a password, in a team of their own."""
    called = _one_line(name or "") or address.partition("@")[0]
    user = User(id=new_id(), email=address, name=called, locale=caller.locale, created_at=caller.now())
    await join(caller, user, team_name=called)
    return user


def _one_line(name: str) -> str:
    """What the provider calls them, as far as it is a name; else nothing."""
    with suppress(Invalid):
        return one_line(name[:NAME], path=(), most=NAME)
    return ""
