"""The ways to react are few, and each shows as one character."""

from domain.comments import ReactionKind


def test_each_reaction_has_an_emoji_of_its_own():
    emoji = [kind.emoji for kind in ReactionKind]
    assert len(set(emoji)) == len(emoji) == 8
    assert all(len(each.removesuffix("\ufe0f")) == 1 for each in emoji)
