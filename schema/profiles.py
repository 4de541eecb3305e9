"""One's own profile, and the end of one's account."""

from __future__ import annotations

from typing import Annotated

import strawberry

import models
from domain.errors import Conflict, Throttled
from domain.notifications import EmailNotifications
from i18n import LOCALES
from resolvers import deletions, profiles
from schema.accounts import User
from schema.context import Info
from schema.fields import mutation
from schema.jobs import Job


@strawberry.input(description="What to change of your profile; what is left out or null stays as it is.")
class UpdateProfileInput:
    """Input of `updateProfile`."""

    name: str | None = strawberry.field(default=None, description="How you want to be called, 1–100 characters.")
    time_zone: str | None = strawberry.field(default=None, description="As IANA calls it, for example `Europe/Berlin`.")
    locale: str | None = strawberry.field(default=None, description=f"One of {', '.join(LOCALES)}.")
    email_notifications: EmailNotifications | None = strawberry.field(
        default=None, description="When you want to be mailed what is new."
    )


@strawberry.input(description="Your picture.")
class SetAvatarInput:
    """Input of `setAvatar`."""

    image: str = strawberry.field(
        description="A PNG, JPEG or WebP in Base64, of at most 256 KiB and 4096 × 4096 pixels. Its middle is shown."
    )


@strawberry.type
class ProfileMutations:
    """The mutations of one's own account."""

    @mutation(
        "account:edit",
        answers=User,
        description="Changes your name, time zone, language, and when you are mailed what is new: those that you give.",
    )
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> models.User:
        user = await profiles.update(
            info.context.caller,
            name=input.name,
            time_zone=input.time_zone,
            locale=input.locale,
            email_notifications=input.email_notifications,
            locales=LOCALES,
        )
        info.context.speak(user.locale)
        return user

    @mutation(
        "account:edit",
        answers=Job,
        fails=(Throttled,),
        description="Has your picture made. Follow the job: until it has succeeded, the picture is the one before.",
    )
    async def set_avatar(self, info: Info, input: SetAvatarInput) -> models.Job:
        return await profiles.set_avatar(info.context.caller, image=input.image)

    @mutation("account:edit", answers=User, fails=(Conflict,), description="Removes your picture, and its files.")
    async def remove_avatar(self, info: Info) -> models.User:
        return await profiles.remove_avatar(info.context.caller)

    @mutation(
        "account:secure",
        answers=User,
        fails=(Conflict, Throttled),
        description="Has your account deleted in 14 days, with the teams in which you are alone. What you made in "
        "others stays there.",
    )
    async def request_account_deletion(
        self, info: Info, password: Annotated[str, strawberry.argument(description="Your password.")]
    ) -> models.User:
        return await deletions.request(info.context.caller, password=password)

    @mutation(
        "account:secure",
        answers=User,
        fails=(Conflict,),
        description="Takes back the deletion of your account, as long as it waits.",
    )
    async def cancel_account_deletion(self, info: Info) -> models.User:
        return await deletions.cancel(info.context.caller)
