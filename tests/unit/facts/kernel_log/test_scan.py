"""The scanner finds what a plain loop finds, however the log is cut into blocks."""

import io

from hypothesis import given
from hypothesis import strategies as st

from rocmox.facts.kernel_log import Candidate, Scanner

LITERALS = (b"amdgpu", b"kfd kfd: ", b"*ERROR* ")
LINES = st.lists(
    st.sampled_from([b"", b"x", b"amdgpu", b"a kfd kfd: b", b"*ERROR* amdgpu", b"\xff\0", b"y" * 50, b"\r"])
)


def plain(data: bytes) -> list[Candidate]:
    lines = data.split(b"\n")
    found, offset = [], 0
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        if any(literal in line for literal in LITERALS):
            found.append(Candidate(line=line, following=following, offset_bytes=offset))
        offset += len(line) + 1
    return found


@given(LINES, st.lists(st.integers(1, 40)), st.booleans())
def test_every_split_gives_the_same(lines: list[bytes], cuts: list[int], ends: bool) -> None:  # noqa: FBT001 - hypothesis
    data = b"\n".join(lines) + (b"\n" if ends else b"")
    scanner, found, rest = Scanner(LITERALS), [], data
    for cut in cuts:
        found += scanner.feed(rest[:cut]) if rest[:cut] else []
        rest = rest[cut:]
    found += scanner.feed(rest) if rest else []
    assert [*found, *scanner.finish()] == plain(data)


@given(LINES)
def test_flushing_complete_lines_loses_none(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    scanner, found = Scanner(LITERALS), []
    for start in range(0, len(data), 7):
        found += [*scanner.feed(data[start : start + 7]), *scanner.flush()]
    found += scanner.finish()
    assert [(entry.line, entry.offset_bytes) for entry in found] == [
        (entry.line, entry.offset_bytes) for entry in plain(data)
    ]


def test_a_line_without_end_does_not_grow_in_memory() -> None:
    scanner = Scanner(LITERALS)
    found = [candidate for _ in range(40) for candidate in scanner.feed(b"z" * (100 << 10))]
    assert found == []
    assert len(scanner._kept) <= 2 << 20
    assert list(scanner.feed(b" amdgpu\n\n\n"))


def test_a_gate_is_asked_for_its_literal_alone() -> None:
    asked: list[bytes] = []

    def gate(data: bytes, start: int, stop: int, place: int) -> bool:
        asked.append(data[start:stop])
        assert data[place : place + 6] == b"amdgpu"
        return b"yes" in data[start:stop]

    text = b"amdgpu no\namdgpu yes\nkfd kfd: 1\namdgpu *ERROR* both\n"
    found = list(Scanner(LITERALS, {b"amdgpu": gate}).scan(io.BytesIO(text)))
    assert [entry.line for entry in found] == [b"amdgpu yes", b"kfd kfd: 1", b"amdgpu *ERROR* both"]
    assert asked == [b"amdgpu no", b"amdgpu yes", b"amdgpu *ERROR* both"]


def test_emptiness_is_known() -> None:
    for text, is_seen in ((b"", False), (b" \n\r\n", False), (bytes(99), False), (b"\n\nx\n", True)):
        scanner = Scanner(LITERALS)
        assert list(scanner.scan(io.BytesIO(text))) == []
        assert scanner.lines_seen is is_seen
