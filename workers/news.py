"""Mailing people what is new for them: at once, or in the digest of a day."""

from uuid import UUID

from domain.comments import CommentVisibility
from domain.jobs import JobKind
from domain.links import page_of_video
from domain.mails import MailKind
from domain.notifications import (
    MOST_MAILED,
    EmailNotifications,
    day_in,
    quote,
    time_in,
    unsubscribe_token,
)
from domain.viewers import Viewer
from gateways.mail import Mail
from models import Comment, Notification, User, Video
from models.notifications import Told, sentences
from workers.jobs import Means, Work, handles
from workers.mails import compose
from workers.mails.groups import Group, Line, Listing
from workers.mails.sending import hand_over

KINDS = {EmailNotifications.IMMEDIATELY: MailKind.NEWS, EmailNotifications.DAILY: MailKind.DIGEST}


@handles(JobKind.NOTIFICATION_MAIL)
async def send_news(work: Work) -> None:
    """Mails somebody what they have not read yet and were not mailed about; nothing, if that is nothing.

    Payload: `user_id`. How they want it is looked up now: who has unsubscribed meanwhile gets no mail.
    """
    user = await User.get_or_none(id=UUID(work.job.payload["user_id"]))
    kind = KINDS.get(EmailNotifications(user.email_notifications)) if user else None
    new = await Notification.unmailed(Viewer(user.id)) if user and kind else []
    groups = await _groups(work.means, user, new[:MOST_MAILED]) if user and new else []
    if user and kind and groups:
        mail = _mail(work.means, user, kind, groups, more=max(0, len(new) - MOST_MAILED))
        await hand_over(work, mail, reference=work.job.id.hex)
    async with work.finishing() as job:
        if user and new:
            await User.hold_all([user.id])
            await Notification.mailed(new)
        await job.succeed(work.means.clock())


def _mail(means: Means, user: User, kind: MailKind, groups: list[Group], *, more: int) -> Mail:
    return compose(
        kind,
        user.email,
        user.locale,
        link=f"{means.public_url}/notifications",
        unsubscribe=f"{means.api_url}/unsubscribe?token={unsubscribe_token(means.keys, user.id)}",
        public_url=means.public_url,
        listing=Listing(groups, more),
        name=user.name,
        day=day_in(user.time_zone, means.clock()),
        video=groups[0].title,
    )


async def _groups(means: Means, user: User, new: list[Notification]) -> list[Group]:
    """By the videos, in the order of what is latest about each."""
    viewer = Viewer(user.id)
    said = await sentences(viewer, [Told(each.kind, each.people, each.count, each.video_id) for each in new])
    titles = await _texts(Video, "title", viewer, [each.video_id for each in new])
    bodies = await _texts(Comment, "body", viewer, [each.comment_id for each in new])
    groups: dict[UUID, Group] = {}
    for each, (key, params) in zip(new, said, strict=True):
        is_lost = each.comment_id not in bodies and each.visibility is not CommentVisibility.OPEN
        if each.video_id not in titles or is_lost:  # since the notifications were read
            continue
        where = page_of_video(means.public_url, each.video_id)
        group = groups.setdefault(each.video_id, Group(titles[each.video_id], where, []))
        at, quoted = time_in(user.time_zone, each.latest_at), quote(bodies.get(each.comment_id, ""))
        group.lines.append(Line(key, params, at, quoted))
    return list(groups.values())


async def _texts(model: type[Video | Comment], column: str, viewer: Viewer, ids: list[UUID]) -> dict[UUID, str]:
    """A column of those rows that the person may see, by their ids."""
    rows = model.filter(model.visible_to(viewer), id__in=sorted(set(ids)))
    return dict(await rows.values_list("id", column))
