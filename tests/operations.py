"""What each operation of `web/operations` is given, said once for all suites that run them.

A new operation is added to `variables`. What it needs to be there is a field of `Things`, and is made in the two places
that make them: `tests/furnished.py` (by way of the running product) and `tests/fuzz/test_operations_agree.py`.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, OperationType, get_operation_ast, parse

from domain.clock import utc_now
from domain.permissions import Role
from local.client import document


@dataclass(frozen=True, kw_only=True)
class Things:
    """What there is to ask for, mostly global ids: everything is the team's and the owner's own."""

    team: str
    video: str
    deleted_video: str
    version: str
    comment: str
    """One that opens a thread, which is open."""
    resolved_comment: str
    """One that opens a thread, which is resolved."""
    deleted_comment: str
    """One that was deleted just now."""
    job: str
    """One that has not ended."""
    upload: str
    """One that takes parts."""
    whole_upload: str
    """One of which every part has arrived."""
    checksum: str
    """Of that one part."""
    api_key: str
    identity: str
    email: str
    """The owner's."""
    password: str
    """The owner's."""
    new_email: str
    """Nobody's yet."""
    sign_up_token: str
    session: str
    """Another one of the owner's."""
    forgetful_email: str
    reset_token: str
    """Mailed to the forgetful."""
    change_token: str
    """Mailed to who wants another address."""
    picture: str
    """In Base64."""
    audit_entry: str
    challenge: str
    """Of who has two-factor and has given the password, and what their app shows."""
    code: str
    confirming_code: str
    """Of the admin's app, which they have yet to confirm."""
    renewing_code: str
    disabling_code: str
    admin_member: str
    editor_member: str
    viewer_member: str
    invitation: str
    """An open one, to somebody."""
    invitation_token: str
    """Of one to the owner, into another team."""
    unwanted_token: str
    """Of another such."""
    notification: str
    """One that has not been read."""
    webhook: str
    paused_webhook: str
    delivery: str
    """One that was given up."""


ASKED_BY = {
    "ConfirmTwoFactor": Role.ADMIN,
    "NewRecoveryCodes": Role.EDITOR,
    "DisableTwoFactor": Role.VIEWER,
    "RequestAccountDeletion": Role.ADMIN,
    "CancelAccountDeletion": Role.ADMIN,
    "LeaveTeam": Role.EDITOR,
    "SignOut": Role.VIEWER,
}
"""Who asks, where it is not the owner: others need what it puts an end to."""
UNSEEN = {
    *("ResendInvitation", "RevokeInvitation"),
    *("UpdateWebhook", "RotateWebhookSecret", "PauseWebhook", "ResumeWebhook", "DeleteWebhook"),
    *("SendTestEvent", "ResendDelivery", "ResendFailedDeliveries", "FollowWebhookDeliveries"),
}
"""What is about things that a role without the permission does not even see."""


HOOK = "https://receiver.invalid.example/hook"
"""Where nobody is."""


def moment(away: timedelta) -> str:
    """So far from now."""
    return (utc_now() + away).isoformat()


def variables(of: Things) -> dict[str, dict[str, Any]]:
    """Variables with which each operation does what it is for, asked by the owner, in an order that lets them all."""
    return {
        "Viewer": {},
        "AnyNode": {"id": of.video},
        "SignUp": {"input": {"email": of.new_email, "name": "Eve"}},
        "ConfirmSignUp": {"token": of.sign_up_token, "password": of.password},
        "SignIn": {"input": {"email": of.email, "password": of.password}},
        "SignInWithCode": {"input": {"challenge": of.challenge, "code": of.code}},
        "TwoFactor": {},
        "StartTwoFactor": {"password": of.password},
        "ConfirmTwoFactor": {"code": of.confirming_code},
        "NewRecoveryCodes": {"code": of.renewing_code},
        "DisableTwoFactor": {"password": of.password, "code": of.disabling_code},
        "MySessions": {},
        "CurrentSession": {},
        "RevokeSession": {"id": of.session},
        "SignOutEverywhere": {"keepCurrent": True},
        "RequestPasswordReset": {"email": of.forgetful_email},
        "ResetPassword": {"input": {"token": of.reset_token, "password": "another long one"}},
        "RequestEmailChange": {"input": {"newEmail": of.new_email, "password": of.password}},
        "ConfirmEmailChange": {"token": of.change_token},
        "Profile": {},
        "UpdateProfile": {"input": {"name": "Grace", "timeZone": "Europe/Berlin", "locale": "de"}},
        "SetAvatar": {"input": {"image": of.picture}},
        "RemoveAvatar": {},
        "RequestAccountDeletion": {"password": of.password},
        "CancelAccountDeletion": {},
        "IdentityProviders": {},
        "Locales": {},
        "Messages": {"locale": "de", "namespace": "review"},
        "RemoveIdentity": {"id": of.identity},
        "ApiKeys": {},
        "CreateApiKey": {"input": {"name": "Export", "scopes": ["READ"], "expiresInDays": 7}},
        "RevokeApiKey": {"id": of.api_key},
        "Team": {"id": of.team},
        "CreateTeam": {"input": {"name": "Another"}},
        "RenameTeam": {"input": {"id": of.team, "name": "Team"}},
        "SwitchTeam": {"id": of.team},
        "TeamInvitations": {"teamId": of.team, "filter": {"state": "PENDING"}},
        "InvitationPreview": {"token": of.invitation_token},
        "InviteMember": {"input": {"teamId": of.team, "email": of.new_email, "role": "VIEWER"}},
        "ResendInvitation": {"id": of.invitation},
        "RevokeInvitation": {"id": of.invitation},
        "DeclineInvitation": {"token": of.unwanted_token},
        "AcceptInvitation": {"input": {"token": of.invitation_token}},
        "Library": {"teamId": of.team, "first": 3, "filter": {"text": "cut", "status": "READY"}, "counted": True},
        "Video": {"id": of.video},
        "CreateVideo": {"input": {"teamId": of.team, "title": "New"}},
        "EditVideo": {"input": {"id": of.video, "tags": ["new"]}},
        "Version": {"id": of.version},
        "RestoreVersion": {"id": of.version, "changeDescription": "as it was"},
        "Comment": {"id": of.comment},
        "ReviewRoom": {"versionId": of.version, "first": 3},
        "Mentionable": {"videoId": of.video, "prefix": "", "first": 3},
        "AddComment": {"input": {"versionId": of.version, "body": "Yes", "parentId": of.comment}},
        "EditComment": {"input": {"id": of.comment, "body": "No", "endMs": 900}},
        "StartCommentImage": {"input": {"commentId": of.comment, "fileName": "a.png", "size": 3}},
        "RemoveCommentImage": {"id": of.comment},
        "SetCommentVisibility": {"input": {"id": of.comment, "visibility": "TEAM"}},
        "AddReaction": {"input": {"commentId": of.comment, "kind": "HEART"}},
        "RemoveReaction": {"input": {"commentId": of.comment, "kind": "HEART"}},
        "ResolveComment": {"id": of.comment},
        "UnresolveComment": {"id": of.resolved_comment},
        "DeleteComment": {"id": of.comment},
        "RestoreComment": {"id": of.deleted_comment},
        "CommentEvents": {"videoId": of.video},
        "Presence": {"videoId": of.video},
        "UpdatePresence": {"input": {"versionId": of.version, "playheadMs": 0, "activity": "TYPING"}},
        "TeamActivity": {"teamId": of.team},
        "Upload": {"id": of.upload},
        "UploadParts": {"id": of.upload},
        "StartUpload": {"input": {"videoId": of.video, "fileName": "b.mp4", "size": 3}},
        "CompleteUpload": {"input": {"id": of.whole_upload, "parts": [{"number": 1, "checksum": of.checksum}]}},
        "DiscardUpload": {"id": of.upload},
        "AuditLog": {"teamId": of.team, "first": 3, "filter": {"types": ["video.edited"]}},
        "Activity": {"first": 3},
        "AuditEntry": {"id": of.audit_entry},
        "Webhooks": {"team": of.team, "filter": {"state": "ACTIVE"}},
        "Webhook": {"id": of.webhook},
        "WebhookEventTypes": {},
        "CreateWebhook": {"input": {"teamId": of.team, "url": HOOK, "eventTypes": ["video.created"]}},
        "UpdateWebhook": {"input": {"id": of.webhook, "description": "For the billing", "videoId": of.video}},
        "RotateWebhookSecret": {"id": of.webhook},
        "WebhookDeliveries": {"webhook": of.webhook, "filter": {"state": "FAILED"}, "counted": True},
        "WebhookDelivery": {"id": of.delivery},
        "SendTestEvent": {"input": {"webhookId": of.webhook, "eventType": "video.created"}},
        "ResendDelivery": {"id": of.delivery},
        "ResendFailedDeliveries": {"input": {"webhookId": of.webhook, "since": moment(timedelta(days=-1))}},
        "FollowWebhookDeliveries": {"webhook": of.webhook},
        "PauseWebhook": {"id": of.webhook},
        "ResumeWebhook": {"input": {"id": of.paused_webhook, "discard": True}},
        "DeleteWebhook": {"id": of.paused_webhook},
        "Job": {"id": of.job},
        "CancelJob": {"id": of.job},
        "JobProgress": {"id": of.job},
        "Notifications": {"first": 3},
        "UnreadNotifications": {"first": 3},
        "NotificationChanges": {},
        "MarkNotificationsRead": {"input": {"ids": [of.notification]}},
        "VideoChanged": {"id": of.video},
        "RestoreVideo": {"id": of.deleted_video},
        "DeleteVideo": {"id": of.video},
        "ChangeRole": {"input": {"memberId": of.editor_member, "role": "ADMIN"}},
        "RemoveMember": {"memberId": of.viewer_member},
        "LeaveTeam": {"id": of.team},
        "DeleteTeam": {"id": of.team},
        "RestoreTeam": {"id": of.team},
        "TransferOwnership": {"memberId": of.admin_member},
        "ChangePassword": {"input": {"current": of.password, "new": "another long one"}},
        "SignOut": {},
    }


def kind_of(operation: str) -> OperationType:
    """Whether it is a query, a mutation or a subscription."""
    return _parsed(operation).operation


def root_field_of(operation: str) -> str:
    """The name of its one root field."""
    (field,) = _parsed(operation).selection_set.selections
    assert isinstance(field, FieldNode), f"{operation} has no field at its root"
    return field.name.value


@cache
def _parsed(operation: str) -> OperationDefinitionNode:
    found = get_operation_ast(parse(document(operation)), operation)
    assert found is not None, operation
    return found
