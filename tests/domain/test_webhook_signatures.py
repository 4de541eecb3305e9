"""Deliveries are signed as Standard Webhooks has it: its public library takes ours, and nothing that was changed."""

import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from domain.webhooks.signatures import new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Of the specification's own example."""
BODY = b'{"type": "video.published", "data": {"title": "\xc3\xa4"}}'


def signed(*secrets: str, at: datetime | None = None, body: bytes = BODY, message_id: str = "msg_1") -> dict[str, str]:
    moment = datetime.now(UTC) if at is None else at
    return signed_headers(secrets, message_id=message_id, at=moment, body=body, event_type="video.published")


def verify(secret: str, headers: dict[str, str], body: bytes = BODY) -> object:
    return Webhook(secret).verify(body, headers)


def test_the_example_of_the_specification() -> None:
    older = hmac.new(SECRET.encode(), b'{"test": 2432232314}', "sha256").hexdigest()
    headers = signed_headers(
        [SECRET],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
        event_type="test",
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        "X-Webhook-Signature": f"sha256={older}",
        "X-Webhook-Event": "test",
        "X-Webhook-ID": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    }


def test_a_secret_is_long_and_nobody_elses() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


@settings(deadline=None)
@given(
    value=st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_public_library_takes_whatever_we_sign(value: object) -> None:
    secret, body = new_secret(), json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    assert verify(secret, signed(secret, body=body), body) == value


def test_what_was_changed_is_refused() -> None:
    headers = signed(SECRET)
    changed = [
        ({"webhook-id": "msg_2"}, BODY),
        ({"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, BODY),
        ({"webhook-signature": "v1," + b64encode(bytes(32)).decode()}, BODY),
        ({"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")}, BODY),
        ({}, BODY + b" "),
        ({}, BODY.replace(b"published", b"deleted")),
    ]
    assert verify(SECRET, headers)
    for change, body in changed:
        with pytest.raises(WebhookVerificationError):
            verify(SECRET, headers | change, body)
    with pytest.raises(WebhookVerificationError):
        verify(new_secret(), headers)


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24])
def test_an_old_delivery_is_refused_and_one_from_the_future(minutes: int) -> None:
    with pytest.raises(WebhookVerificationError):
        verify(SECRET, signed(SECRET, at=datetime.now(UTC) + timedelta(minutes=minutes)))
    assert verify(SECRET, signed(SECRET, at=datetime.now(UTC) + timedelta(minutes=4 if minutes > 0 else -4)))


def test_a_rotation_is_not_noticed() -> None:
    """While two secrets are valid, whoever knows either of them is content."""
    old, new = new_secret(), new_secret()
    headers = signed(new, old)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert verify(old, headers) == verify(new, headers)
    for secret, other in ((old, signed(new)), (new, signed(old))):
        with pytest.raises(WebhookVerificationError):
            verify(secret, other)


def test_the_older_form_is_by_the_newest_secret_as_it_was_shown() -> None:
    new = new_secret()
    expected = hmac.new(new.encode(), BODY, "sha256").hexdigest()
    assert signed(new, SECRET)["X-Webhook-Signature"] == f"sha256={expected}"


def test_neither_form_passes_for_the_other() -> None:
    """A body that reads as what the standard signs: the older form's signature of it is none of the standard's."""
    moment = datetime.now(UTC)
    forged = f"msg_1.{int(moment.timestamp())}.".encode() + BODY
    older = signed(SECRET, body=forged)["X-Webhook-Signature"].removeprefix("sha256=")
    said = {"webhook-signature": f"v1,{b64encode(bytes.fromhex(older)).decode()}"}
    with pytest.raises(WebhookVerificationError):
        verify(SECRET, signed(SECRET, at=moment) | said)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ä", "whsec_-_-_" * 9, "whsec_" + "A" * 400],
)
def test_nothing_is_signed_with_what_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="A secret of webhooks is whsec_ and ") as refused:
        signed(secret)
    assert secret == "" or secret not in str(refused.value) or secret == "whsec_"


def test_nothing_goes_unsigned() -> None:
    with pytest.raises(ValueError, match="unsigned"):
        signed()
