"""Whatever differs is found and counted: any bytes, anywhere, in one piece or in rows."""

import ctypes

from hypothesis import given
from hypothesis import strategies as st

from rocmox.health.probes.patterns import Content, Difference, Pool, Rows

POOL = Pool(4096)
LENGTHS = st.integers(1, 5 * POOL.chunk_bytes)


def whole(content: Content, *, stale: bool = False) -> bytearray:
    memory = bytearray(content.length)
    for number in range(content.count):
        offset, piece = content.piece(number, stale=stale)
        memory[offset : offset + len(piece)] = piece
    return memory


def compare(content: Content, memory: bytearray) -> Difference:
    difference = Difference(payload=content.payload)
    for number in range(content.count):
        offset, fresh = content.piece(number, stale=False)
        found = ctypes.create_string_buffer(bytes(memory[offset : offset + len(fresh)]), len(fresh))
        difference.look(content, number, found, fresh)
    return difference


@given(LENGTHS, st.data())
def test_every_changed_byte_is_counted(length: int, data: st.DataObject) -> None:
    content = POOL.linear(length)
    memory = whole(content)
    changes = data.draw(st.dictionaries(st.integers(0, length - 1), st.integers(1, 254), max_size=20))
    for place, change in changes.items():
        memory[place] ^= change
    difference = compare(content, memory)
    assert difference.wrong == len(changes)
    assert difference.first == (min(changes) if changes else None)
    assert difference.kind == ("scattered" if changes else None)


@given(LENGTHS, st.data())
def test_a_copy_that_stops_is_found(length: int, data: st.DataObject) -> None:
    content = POOL.linear(length)
    copied = data.draw(st.integers(0, length))
    memory = whole(content)[:copied] + whole(content, stale=True)[copied:]
    difference = compare(content, memory)
    assert difference.wrong == difference.stale == length - copied
    assert difference.first == (copied if copied < length else None)
    if copied == 0:
        assert difference.kind == "unchanged"
    elif length - copied >= 64:
        assert difference.kind == "partial"


@given(st.sampled_from([16, 64, 256]), st.integers(1, 40), st.data())
def test_rows_and_the_gaps_between_them(width: int, rows: int, data: st.DataObject) -> None:
    content = Rows(source=POOL.linear(width * rows), width=width, pitch=2 * width)
    assert compare(content, whole(content)).kind is None
    assert compare(content, whole(content, stale=True)).kind == "unchanged"
    memory = whole(content)
    place = data.draw(st.integers(0, content.length - 1))  # in a row or in a gap
    memory[place] ^= data.draw(st.integers(1, 255))
    difference = compare(content, memory)
    assert (difference.wrong, difference.first) == (1, place)


def test_rows_that_were_not_copied_are_partial() -> None:
    content = Rows(source=POOL.linear(64 * 8), width=64, pitch=128)
    memory = whole(content)[: 128 * 4] + whole(content, stale=True)[128 * 4 :]
    difference = compare(content, memory)
    assert (difference.kind, difference.wrong, difference.first) == ("partial", 64 * 4, 128 * 4)


def test_chunks_that_change_places_are_found() -> None:
    content = POOL.linear(2 * POOL.chunk_bytes)
    memory = whole(content)
    memory = memory[POOL.chunk_bytes :] + memory[: POOL.chunk_bytes]
    assert compare(content, memory).wrong > POOL.chunk_bytes
