"""What happens in a team, as it happens."""

from collections.abc import Sequence
from uuid import UUID

from domain.activity import TOLD, heard
from domain.errors import Invalid
from resolvers.caller import Caller, Following, require


async def watch(caller: Caller, *, team_id: UUID, types: Sequence[str] = ()) -> Following:
    """Where it is told; of `types` those that the caller's role and key let them hear of, of none all of them."""
    for place, asked in enumerate(types):
        if asked not in TOLD:
            raise Invalid("problem.activity_type", path=("types", str(place)))
    role = await require(caller, "team:view", team_id)
    return Following([f"team:{team_id}"], team_id, role, heard(role, caller.scopes, types))
