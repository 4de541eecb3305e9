"""Ranks of roles, and where an invitation stands."""

from datetime import timedelta

import pytest

from domain.clock import utc_now
from domain.invitations import InvitationState, invitation_state
from domain.permissions import PERMISSIONS, Audience, Role, Scope, takes_a_lasting_team
from domain.teams import reaches

UPWARDS = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)
NOW = utc_now()
SOON, BEFORE = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


@pytest.mark.parametrize("own", Role)
@pytest.mark.parametrize("other", Role)
def test_nobody_reaches_above_themselves(own, other):
    assert reaches(own, other) is (UPWARDS.index(own) >= UPWARDS.index(other))


@pytest.mark.parametrize(
    ("accepted", "declined", "revoked", "expires", "state"),
    [
        (None, None, None, SOON, InvitationState.PENDING),
        (None, None, None, NOW, InvitationState.EXPIRED),
        (None, None, BEFORE, SOON, InvitationState.REVOKED),
        (None, None, BEFORE, BEFORE, InvitationState.REVOKED),
        (None, BEFORE, None, SOON, InvitationState.DECLINED),
        (None, BEFORE, None, BEFORE, InvitationState.DECLINED),
        (BEFORE, None, None, SOON, InvitationState.ACCEPTED),
        (BEFORE, None, None, BEFORE, InvitationState.ACCEPTED),
    ],
)
def test_where_an_invitation_stands(accepted, declined, revoked, expires, state):
    assert invitation_state(accepted, declined, revoked, expires, NOW) is state


def test_a_team_that_waits_for_its_deletion_can_be_looked_at_and_restored_and_nothing_else():
    in_teams = {action for action, rule in PERMISSIONS.items() if not isinstance(rule.holders, Audience)}
    looking = {action for action in in_teams if PERMISSIONS[action].scope is Scope.READ}
    besides = {"team:restore", "team:switch", "presence:update"}
    assert {a for a in in_teams if not takes_a_lasting_team(a)} == looking | besides
