"""What a program calls itself, in words that a person recognises."""

import re

# Those that pretend to be another come before it.
_PROGRAMS = {
    "Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox", "FxiOS": "Firefox",
    "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "CrOS": "ChromeOS", "Windows": "Windows",
    "Macintosh": "macOS", "Linux": "Linux",
}  # fmt: skip
_FIRST_PRODUCT = re.compile(r"[\w.-]{1,50}")


def device_name(user_agent: str) -> str:
    """The program and what it runs on, as `Firefox, Windows`; its own first word where it is no browser; or nothing."""
    program = next((name for mark, name in _PROGRAMS.items() if f"{mark}/" in user_agent), None)
    if program is None:
        found = _FIRST_PRODUCT.match(user_agent)
        return found[0] if found else ""
    system = next((name for mark, name in _SYSTEMS.items() if mark in user_agent), None)
    return f"{program}, {system}" if system else program
