"""Archives of strangers: what does not belong into a capture is refused as wrong usage."""

import contextlib
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocmox.errors import CommandError, UsageError
from rocmox.machine import archive
from rocmox.machine.capture_index import INDEX_PATH, parse_index
from rocmox.machine.captured import CapturedMachine


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], CapturedMachine]:
    def reader(content: bytes) -> CapturedMachine:
        (tmp_path / "x.tar.gz").write_bytes(content)
        return CapturedMachine(tmp_path / "x.tar.gz")

    return reader


@pytest.mark.parametrize(
    ("info", "why"),
    [
        (member("../etc/passwd"), "leads out"),
        (member("sys/../../etc/passwd"), "leads out"),
        (member("/etc/passwd"), "leads out"),
        (member("sys/x", tarfile.SYMTYPE, "/etc/passwd"), "leads out"),
        (member("sys/x", tarfile.SYMTYPE, "../../etc/passwd"), "leads out"),
        (member("sys/x", tarfile.SYMTYPE, "/"), "leads out"),
        (member("sys/x", tarfile.LNKTYPE, "sys/y"), "neither a file"),
        (member("dev/null", tarfile.CHRTYPE), "neither a file"),
        (member("dev/pipe", tarfile.FIFOTYPE), "neither a file"),
    ],
)
def test_what_leads_out_is_refused(info: tarfile.TarInfo, why: str, read: Callable[[bytes], CapturedMachine]) -> None:
    with pytest.raises(UsageError, match=why):
        read(packed((info, b"")))


def test_bombs_are_refused(read: Callable[[bytes], CapturedMachine], monkeypatch: pytest.MonkeyPatch) -> None:
    huge = member("sys/huge")
    huge.size = 8 << 30
    with pytest.raises(UsageError, match="bytes"):
        read(gzip.compress(huge.tobuf()))
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    with pytest.raises(UsageError, match="holds nothing"):
        read(gzip.compress(bytes(8 << 20)))
    with pytest.raises(UsageError, match="unpacks to more"):
        read(packed(*((member(f"sys/{number}"), bytes(64 << 10)) for number in range(40))))
    monkeypatch.setattr(archive, "MOST_MEMBERS", 10)
    with pytest.raises(UsageError, match="members"):
        read(packed(*((member(f"sys/{number}"), b"") for number in range(40))))


def test_truncated_ones_are_refused_wherever_they_end(read: Callable[[bytes], CapturedMachine]) -> None:
    whole = packed((member("sys/a"), b"1" * 3000), (member("sys/b"), bytes(range(256)) * 9))
    for end in range(0, len(whole) - 8, 7):
        with pytest.raises(UsageError):
            read(whole[:end])


@given(st.binary(max_size=600))
@settings(max_examples=100)
def test_any_bytes_are_a_capture_or_wrong_usage(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    place = tmp_path_factory.mktemp("any") / "x.tar.gz"
    for content in (data, gzip.compress(data)):
        place.write_bytes(content)
        with contextlib.suppress(UsageError):
            assert CapturedMachine(place).list_directory("/") is not None


@pytest.mark.parametrize(
    "index",
    [b"", b"[]", b"{}", b'{"schema_version": 7}', b"\xff", b"[" * 90_000, b'{"schema_version": 1, "errors": []}'],
)
def test_an_index_that_nobody_wrote_is_wrong_usage(index: bytes) -> None:
    with pytest.raises(UsageError):
        parse_index(index)


def test_recorded_answers_are_given_again(read: Callable[[bytes], CapturedMachine]) -> None:
    index = {
        "schema_version": 1,
        "constructed": False,
        "replays": True,
        "listings": {"/sys/x": ["b", "a"]},
        "links": {"/sys/y": "/sys/z"},
        "existing": {"/run/q": True},
        "errors": {"/sys/e": 1},
        "commands": [
            {"argv": ["uname"], "exit_status": 0, "stdout": "Linux\n", "stderr": "", "reason": ""},
            {"argv": ["dkms"], "exit_status": None, "stdout": "", "stderr": "", "reason": "dkms is not installed"},
        ],
    }
    machine = read(packed((member(INDEX_PATH), json.dumps(index).encode())))
    assert (machine.constructed, machine.replays) == (False, True)
    assert machine.run(["uname"]).stdout == "Linux\n"
    assert (machine.list_directory("/sys/x"), machine.resolve_link("/sys/y")) == (["b", "a"], "/sys/z")
    assert machine.exists("/run/q")
    with pytest.raises(PermissionError):
        machine.read_bytes("/sys/e")
    with pytest.raises(CommandError, match="dkms is not installed"):
        machine.run(["dkms"])
    with pytest.raises(CommandError, match="runs no commands"):
        machine.run(["id"])
