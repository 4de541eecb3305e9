"""Ids and cursors come back as what they were made of."""

import base64
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from plan import BadInput, Row, decode_id, encode_id
from plan.connections import decode_cursor, encode_cursor
from plan.nodes import NODES

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
ORDER = ("-created_at", "-id")


@given(name=names, row_id=st.uuids())
def test_an_id_comes_back(name, row_id):
    assert decode_id(encode_id(name, row_id)) == (name, row_id)


@given(text=st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()))
def test_there_is_one_way_to_write_an_id(text):
    try:
        name, row_id = decode_id(text)
    except BadInput:
        return
    assert encode_id(name, row_id) == text


@given(at=moments, row_id=st.uuids())
@pytest.mark.usefixtures("desk")
def test_a_cursor_comes_back(at, row_id):
    row = Row(NODES["Video"], {"created_at": at, "id": row_id})
    assert decode_cursor(NODES["Video"], ORDER, encode_cursor(row, ORDER)) == (at, row_id)


@given(number=st.integers(-(2**31), 2**31 - 1), row_id=st.uuids())
@pytest.mark.usefixtures("desk")
def test_a_number_is_a_place_too(number, row_id):
    node, order = NODES["Version"], ("-number", "-id")
    cursor = encode_cursor(Row(node, {"number": number, "id": row_id}), order)
    assert decode_cursor(node, order, cursor) == (number, row_id)
    with pytest.raises(BadInput):
        decode_cursor(node, ("number", "id"), cursor)


def test_no_cursor_is_no_place():
    assert decode_cursor(SimpleNamespace(name="Video", table=models.Video), ORDER, None) is None
