"""Passwords that change: by a mailed link, or by who knows the present one."""

from domain.errors import Conflict
from domain.events import PasswordChanged
from domain.links import LinkKind
from domain.mails import MailKind
from domain.text import email_address
from domain.throttling import MAIL_FROM_ADDRESS, MAIL_TO_ADDRESS
from models import MailedLink, Session, User
from models.database import transaction
from resolvers import api_keys
from resolvers.caller import Caller, hold_asker, require_somebody, tell
from resolvers.notices import notify
from resolvers.passwords import hash_password
from resolvers.signing_in import check_password


async def prove(caller: Caller, password: str, *path: str) -> User:
    """The person who asks, if they know their password: a session alone may be stolen.

    Refuses as `check_password` does.
    """
    user = await User.get(id=require_somebody(caller))
    await check_password(caller, user, password, path=path)
    return user


async def mailing(caller: Caller, address: str) -> None:
    """Counts a mail that anybody may have sent to `address`; Throttled where there were too many."""
    await caller.throttle.hit_all([(MAIL_TO_ADDRESS, address), (MAIL_FROM_ADDRESS, caller.address)])


async def request_reset(caller: Caller, *, email: str) -> None:
    """Mails a link. Whether somebody has the address finds out who mails it: here the same is done for all."""
    address = email_address(email, path=("email",))
    await mailing(caller, address)
    async with transaction():
        await MailedLink.send(LinkKind.PASSWORD_RESET, address, caller.locale, caller.now())


async def reset(caller: Caller, *, token: str, password: str) -> User:
    """Follows the mailed link: the password is another one, and every session ends. Signs nobody in.

    Otherwise who can read the mails would need no second factor.
    """
    now = caller.now()
    link = await MailedLink.seen(token, LinkKind.PASSWORD_RESET, now=now)  # nobody else has us hash
    hashed = await hash_password(password, path=("password",), person=(link.values.get("name", ""), link.email))
    async with transaction():
        link, user = await MailedLink.behind_of_person(token, LinkKind.PASSWORD_RESET, now=now)
        if link.email != user.email:  # it was mailed to an address that is no longer theirs
            raise Conflict("problem.link_over", path=("token",))
        ended = await Session.end_all(user.id, now)
        await _replace(caller, user, hashed, by_link=True, sessions=ended)
    return user


async def change(caller: Caller, *, current: str, new: str) -> User:
    """Another password, by who knows the present one. All other sessions end."""
    user = await prove(caller, current, "current")
    hashed = await hash_password(new, path=("new",), person=(user.name, user.email))
    async with transaction():
        held = await still_proven(caller, user)
        ended = await Session.end_all(held.id, caller.now(), keep=caller.viewer.session_id)
        await _replace(caller, held, hashed, by_link=False, sessions=ended)
    return held


async def still_proven(caller: Caller, proven: User) -> User:
    """Who asks, held; Conflict where the password that they have proven to know is another one by now."""
    held = await hold_asker(caller)
    if held.password_hash != proven.password_hash:
        raise Conflict("problem.password_changed")
    return held


async def _replace(caller: Caller, user: User, hashed: str, *, by_link: bool, sessions: int) -> None:
    now = caller.now()
    user.password_hash = hashed
    await user.save(update_fields=["password_hash"])
    # Whoever had the old password may have asked for another address.
    await MailedLink.take_back(
        user.id, LinkKind.PASSWORD_RESET, LinkKind.EMAIL_CHANGE_OLD, LinkKind.EMAIL_CHANGE_NEW, now=now
    )
    if by_link:  # whoever had to do that may have been robbed of their session, with which keys are made
        await api_keys.end_all(caller, user.id)
    await tell(caller, PasswordChanged, None, by=user.id, user_id=user.id, by_link=by_link, sessions=sessions)
    await notify(user, MailKind.PASSWORD_CHANGED, now)
