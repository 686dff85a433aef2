"""What a recording cursor keeps of a header says the same as the file, and stays small."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import UsageError
from rocmox.facts.gguf import GgufHeader, parse_header
from rocmox.facts.gguf_cursor import RecordingCursor
from tests.unit.facts.test_gguf import parse, whole


def kept_of(content: bytes) -> bytes:
    cursor = RecordingCursor(
        fetch=lambda offset, count: content[offset : offset + count], size_bytes=len(content), where="x.gguf"
    )
    with contextlib.suppress(UsageError):
        parse_header(cursor)
    return cursor.kept


def said(content: bytes) -> tuple[GgufHeader | None, str]:
    try:
        return parse(content), ""
    except UsageError as error:
        return None, error.message


def test_the_kept_header_reads_like_the_file_without_its_words() -> None:
    content = whole()
    kept = kept_of(content)
    assert parse(kept + bytes(len(content) - len(kept))) == parse(content)
    assert b"<a>" in content
    assert b"<a>" not in kept


@given(st.data())
def test_a_broken_file_is_refused_for_the_same_reason_elsewhere(data: st.DataObject) -> None:
    content = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(content[: data.draw(st.integers(0, len(content)))])
    kept = kept_of(broken)
    assert said(kept + bytes(len(broken) - len(kept))) == said(broken)


@pytest.mark.parametrize("content", [b"", b"no model\n", b"GGUF"])
def test_what_is_not_a_model_is_kept_as_far_as_it_was_read(content: bytes) -> None:
    assert content.startswith(kept_of(content))
