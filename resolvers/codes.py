"""The codes of a second factor: those of an app (TOTP, RFC 6238) and those for when it is lost."""

import re
import secrets
from base64 import b32encode
from datetime import datetime

from pyotp import TOTP, random_base32
from pyotp.exceptions import OTPVerificationError

ISSUER = "Video Creator"
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
"""80 bits: too many to be found from the hash, few enough to be typed."""
_DRIFT = 1
"""By how many time steps, of 30 seconds, the clocks of an app and of ours may be apart."""
_OF_AN_APP = re.compile(r"[0-9]{6}", re.ASCII)


def new_secret() -> str:
    """160 bits in base 32, as apps take them."""
    return random_base32()


def otpauth_uri(secret: str, account: str) -> str:
    """What a QR code shows to an app."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def as_typed(code: str) -> str:
    """The code without the blanks and hyphens that people put in or leave out, in lower case."""
    return re.sub(r"[\s-]+", "", code).lower()


def time_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, of the present one and its neighbours; None where it is none of theirs."""
    if not _OF_AN_APP.fullmatch(code):
        return None
    try:
        return TOTP(secret).verify_and_get_timecode(code, for_time=now, valid_window=_DRIFT)
    except OTPVerificationError:
        return None


def new_recovery_codes() -> list[str]:
    """Ten, as they are shown: four groups of four letters and digits."""
    return [_in_groups(b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)]


def _in_groups(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
