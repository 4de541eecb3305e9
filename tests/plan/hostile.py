"""Documents that are small to send and large to answer."""


def doubling(levels: int) -> str:
    """Each level holds the next one twice."""
    twice = "memberships { nodes { user { ...F@ } } } a: memberships { nodes { user { ...F@ } } }"
    chain = (f"fragment F{level} on User {{ {twice.replace('@', str(level + 1))} }}" for level in range(levels))
    return f"{{ viewer {{ ...F0 }} }} {' '.join(chain)} fragment F{levels} on User {{ id }}"


def there_and_back(times: int, first: str = "first: 100") -> str:
    """From a video to its versions and from these to the video, again and again."""
    inside = "id"
    for _ in range(times):
        inside = f"video {{ versions({first}) {{ nodes {{ {inside} }} }} }}"
    return f"{{ video(id: 1){inside.removeprefix('video')} }}"


def spread(fragments: int, inside: str) -> str:
    """Many fragments side by side, of one person."""
    names = [f"F{number}" for number in range(fragments)]
    definitions = (f"fragment {name} on User {{ {inside} }}" for name in names)
    return f"{{ viewer {{ {' '.join(f'...{name}' for name in names)} }} }} {' '.join(definitions)}"


def tree(depth: int, width: int) -> str:
    """A field that holds itself `width` times, and so on."""
    return " ".join(["viewer"] if depth == 0 else [f"viewer {{ {tree(depth - 1, width)} }}"] * width)
