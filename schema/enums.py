"""Enums of the domain as GraphQL enums, each value described."""

import re
from enum import Enum, StrEnum
from typing import TypeVar

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from domain.api_keys import ApiKeyState
from domain.comments import CommentHappening, CommentVisibility, ReactionKind, ThreadState
from domain.errors import ProblemCode
from domain.invitations import InvitationState
from domain.jobs import JobFault, JobKind, JobState
from domain.media import IngestStep, Refusal
from domain.notifications import EmailNotifications, NotificationKind
from domain.permissions import PERMISSIONS, Audience, Role, Scope
from domain.presence import PresenceActivity
from domain.uploads import UploadState
from domain.videos import VideoOrder, VideoStatus
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState, PauseReason, WebhookState
from i18n.catalogs import DEFAULT, forms_of, message

E = TypeVar("E", bound=type[Enum])


def describe(enum: E, description: str, *, name: str | None = None, **values: str) -> None:
    """Makes `enum` a GraphQL enum (called `name`, if given); every member must be described by its name."""
    strawberry.enum(enum, name=name, description=description)
    definition: StrawberryEnumDefinition = enum.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]


def _in_words(key: str) -> str:
    """A message of the English catalog with its parameters as blanks."""
    return re.sub(r"\{\w+\}", "…", forms_of(message(DEFAULT, key))[-1])


describe(
    ProblemCode,
    "The kinds of problem; a client may switch on these.",
    UNAUTHENTICATED="Nobody is signed in, or the session has ended: sign in and try again.",
    SECOND_FACTOR_REQUIRED="The password is right, and two-factor is on: send the code.",
    FORBIDDEN="The viewer's role in the team does not allow it, or their API key is not good for it.",
    NOT_FOUND="It does not exist, or the viewer may not know that it does.",
    INVALID="An input value breaks a rule; `path` says which.",
    CONFLICT="The thing is in a state that does not allow this now.",
    THROTTLED="It was tried too often; `retryAfterSeconds` says when it may be tried again.",
    UNAVAILABLE="A service that this needs is down; the same request may succeed later.",
)
describe(
    Role,
    "What a member may do in a team.",
    OWNER="Everything.",
    ADMIN="The team, and everything an editor may.",
    EDITOR="Create, edit and delete.",
    VIEWER="View and comment.",
)
describe(
    Scope,
    "What an API key is good for.",
    name="ApiKeyScope",
    READ="Queries and subscriptions.",
    WRITE="Everything that its person may do in their teams, and whatever READ is good for.",
    WEBHOOKS="The webhooks.",
)
Action = StrEnum(  # type: ignore[misc]
    "Action",
    {
        action.replace(":", "_").upper(): action
        for action, rule in PERMISSIONS.items()
        if not isinstance(rule.holders, Audience)
    },
)
"""What roles hold: VIDEO_EDIT for `video:edit`."""

describe(
    Action,
    "What somebody may do in a team, by their role.",
    **{action.name: PERMISSIONS[action.value].description for action in Action},
)
describe(
    ApiKeyState,
    "Whether an API key is good for anything.",
    ACTIVE="It is.",
    EXPIRED="Its time is over.",
    REVOKED="Its owner has put an end to it.",
)
describe(
    InvitationState,
    "Where an invitation stands.",
    PENDING="It can be accepted.",
    ACCEPTED="It was accepted.",
    DECLINED="Whom it was sent to does not want to join.",
    REVOKED="It was taken back.",
    EXPIRED="It was not accepted in time. It can be sent again.",
)
describe(
    VideoStatus,
    "How far a video has come.",
    DRAFT="It has no version yet.",
    READY="It has at least one version.",
)
describe(
    VideoOrder,
    "In which order a library is listed.",
    NEWEST="The newest first: what is usual.",
    OLDEST="The oldest first.",
)
describe(
    NotificationKind,
    "Why you are told.",
    MENTION="Somebody mentioned you in a comment.",
    REPLY="Somebody replied in a thread that you have said something in.",
    COMMENT="Somebody commented on a video that you have made.",
)
describe(
    EmailNotifications,
    "When you are mailed what is new.",
    IMMEDIATELY="As soon as it is; what follows within ten minutes comes together, in the next mail.",
    DAILY="Once a day, at eight in the morning of your time zone, where something is unread.",
    NEVER="Not at all.",
)
describe(
    ThreadState,
    "Whether a thread of comments is dealt with.",
    OPEN="It is not.",
    RESOLVED="Somebody has said that it is.",
)
describe(
    CommentVisibility,
    "Who of a team may know of a thread, and of all that hangs on it.",
    OPEN="Everybody in the team.",
    TEAM="Owners, admins and editors. To viewers, who may be clients, it does not exist.",
)
describe(
    ReactionKind,
    "The ways to react to a comment without words.",
    **{kind.name: f"{kind.emoji}" for kind in ReactionKind},
)
describe(
    CommentHappening,
    "What can happen to a comment.",
    name="CommentEventKind",
    ADDED="Somebody opened a thread, or answered in one.",
    EDITED="Its author changed what it says, its place, or what is drawn.",
    DELETED="Somebody deleted it.",
    RESTORED="Somebody brought it back.",
    RESOLVED="Somebody said that its thread is dealt with.",
    UNRESOLVED="Somebody opened its thread again.",
    REACTED="Somebody reacted to it, or took that back.",
    VISIBILITY_CHANGED="Its thread is for others than before: `Comment.visibility` says for whom; `comment` is null to "
    "whoever may not see it any more.",
)
describe(
    PresenceActivity,
    "What somebody is doing in the room of a video.",
    VIEWING="They look at it.",
    TYPING="They are writing a comment.",
    DRAWING="They are drawing on the picture.",
)
describe(
    UploadState,
    "Where an upload stands.",
    OPEN="It takes parts.",
    COMPLETED="All parts came; `job` says what became of them.",
    DISCARDED="It was given up, or has expired.",
)
describe(
    JobKind,
    "What a job does.",
    INGEST="Makes a version of an upload.",
    SIGN_IN_MAIL="Mails a sign-in link.",
    LINK_MAIL="Mails a link that proves whose address it is.",
    MAIL="Mails what somebody should know.",
    DISCARD_UPLOAD="Throws away what an upload left behind.",
    PURGE_VIDEO="Removes a video that has been in the trash for too long.",
    IMAGE="Makes the image of a comment of a file that was sent.",
    AVATAR="Makes somebody's picture of what they have sent.",
    DELETE_ACCOUNT="Removes an account whose time has come.",
    DISCARD_FILES="Throws away files that nothing refers to any more.",
    PURGE_TEAM="Removes a team whose deletion was asked for 14 days ago, or whose last member is gone.",
    NOTIFICATION_MAIL="Mails what is new for somebody.",
)
describe(
    JobState,
    "Where a job stands.",
    QUEUED="It waits for a worker.",
    RUNNING="A worker is at it.",
    SUCCEEDED="It did what it was for.",
    FAILED="It ended without its result; `failure` says why.",
    CANCELLED="Somebody ended it.",
)
FailureCode = StrEnum("FailureCode", {fault.name: fault.value for fault in (*Refusal, *JobFault)})  # type: ignore[misc]
"""Every reason for which a job can fail, in whatever kind."""

describe(
    FailureCode,
    "Why a job has failed: first what can be wrong with a file, then what can go wrong with any job.",
    **{code.name: _in_words(f"failure.{code.name}") for code in FailureCode},
)
describe(
    IngestStep,
    "What a running job is at. An ingest goes through all of these, in this order.",
    name="JobStep",
    DOWNLOAD="Fetching the file from storage.",
    VERIFY="Computing and comparing its SHA-256.",
    PROBE="Reading what it is.",
    POSTER="Making the still picture.",
    PROXY="Making the rendition that every browser plays.",
    STORE="Putting the results into storage.",
)
describe(
    WebhookState,
    "Whether a webhook is sent what happens.",
    ACTIVE="It is.",
    PAUSED="It is not; what happens is kept for it.",
)
describe(
    PauseReason,
    "Why a webhook is paused.",
    name="WebhookPauseReason",
    ASKED="Somebody has paused it.",
    GONE="Its receiver has answered 410: it wants no more.",
    FAILING="Nothing has reached its receiver for five days.",
    KEY_ENDED="The API key that it was made with is good no more, or who has the key may no longer have webhooks.",
)
describe(
    DeliveryState,
    "Where a delivery stands.",
    name="WebhookDeliveryState",
    PENDING="It is still to arrive.",
    DELIVERED="It has arrived.",
    FAILED="It was given up. It can be sent again.",
    DISCARDED="Somebody did not want it any more.",
)
describe(
    AttemptState,
    "How an attempt at a delivery has gone.",
    name="WebhookAttemptState",
    SENDING="It is under way.",
    SUCCEEDED="It has arrived: the receiver answered 2xx.",
    FAILED="It has not: `fault` says why.",
    INTERRUPTED="The worker was lost meanwhile, and nobody knows whether it has arrived: it is sent again.",
)
describe(
    Fault,
    "Why an attempt at a delivery has failed.",
    name="WebhookFault",
    ADDRESS_REFUSED="The host's name leads to an address that is not public.",
    NAME_UNKNOWN="The host's name leads nowhere.",
    CONNECTION_REFUSED="Nobody listens at the port.",
    UNREACHABLE="The host cannot be reached.",
    CONNECTION_LOST="The receiver hung up before it had answered.",
    CERTIFICATE_REFUSED="The receiver's certificate is for another name, has expired, or is from nobody whom we trust.",
    TLS_FAILED="The port does not speak TLS 1.2 or newer.",
    TIMEOUT="The receiver did not answer in time.",
    ANSWER_MALFORMED="What the receiver answered is no HTTP.",
    HEADERS_TOO_LARGE="The answer's headers are too large.",
    REDIRECTED="The receiver sent us elsewhere: redirections are not followed.",
    GONE="The receiver answered 410: it wants no more, and the webhook is paused.",
    BAD_STATUS="The receiver answered something else than 2xx.",
    REQUEST_IMPOSSIBLE="The URL or the webhook's own headers cannot be sent.",
    SECRET_UNREADABLE="The installation's own key has changed: rotate the secret, and set the headers anew.",  # noqa: S106
)
