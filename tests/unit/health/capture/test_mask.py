"""What identifies people and machines goes; what the checks need stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.health.capture.mask import Mask

SECRETS = {
    "address": "dns 198.18.4.77 and fd00:aa:bb::17",
    "hardware address": "net0: name=eth0,hwaddr=BC:24:11:5E:0A:77,bridge=vmbr0",
    "uuid": "root=UUID=6e63a953-d123-4ea4-a2ea-402e607dfbb5 ro",
    "machine id": "machine-id 9f1c0a77e5b94d2f8a3be0c1d2f3a4b5",
    "password": "password: hunter2hunter2",
    "token": "HF_TOKEN=hf_AbCdEfGhIjKlMnOp",
    "key": "ExecStart=/usr/bin/llama-server --api-key s3cretK3y --port 8080",
    "mail": "Description=ask erika.muster@example.org",
    "home": "ConditionPathExists=/home/erikam/models",
    "serial": "SerialNumber: 4C530001230517",
    "host": "node1 gpubox7.lan.example gpubox7",
    "user": "unit runs as erikam",
    "private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
}
LEAKS = [
    *("198.18.4.77", "fd00:aa:bb", "5E:0A:77", "6e63a953", "9f1c0a77", "hunter2", "hf_Ab", "s3cretK3y", "erika"),
    *("4C5300", "gpubox7", "AAAA"),
]
KEPT = [
    "[  900.25] amdgpu 0000:43:00.0: amdgpu: MES failed to respond to msg=REMOVE_QUEUE",
    "0000:03:00.0 1002:66a1 113-D1631700-111 a6e2b8d01234cdef",
    "6.8.12-9-pve 5.18.2.22.40 6.2.4.60204 12:34:56",
    "0::/lxc/101/ns/init.scope",
    "2026-05-26T18:09:55.123456+00:00 kernel: pcieport 0000:00:01.1: AER: device recovery failed",
    "127.0.0.1:8080 ::1 0.0.0.0",
    "root host kernel render video",
]


def mask(*, unique_ids: bool = False) -> Mask:
    return Mask(hosts={"gpubox7", "gpubox7.lan.example"}, users={"erikam", "Erika"}, unique_ids=unique_ids)


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_go(kind: str) -> None:
    text = mask().text(SECRETS[kind])
    assert [leak for leak in LEAKS if leak.lower() in text.lower()] == []
    assert text != SECRETS[kind]


@pytest.mark.parametrize("text", KEPT)
def test_what_the_checks_read_stays(text: str) -> None:
    assert mask().text(text) == text


def test_the_same_is_the_same_everywhere() -> None:
    same = mask()
    first, again, other = (same.text(text) for text in ("a 10.1.2.3 b", "10.1.2.3", "10.1.2.4"))
    assert first == f"a {again} b"
    assert again != other


def test_files_of_serial_numbers_and_of_foreign_processes() -> None:
    same = mask()
    assert same.content("/sys/bus/pci/devices/0000:03:00.0/serial_number", b"PCB052\n") == b"masked\n"
    assert b"mysql" not in same.content("/proc/77/cmdline", b"/usr/sbin/mysqld\0--user=x\0")
    assert same.content("/proc/78/comm", b"llama-server\n") == b"llama-server\n"


def test_binary_files_stay() -> None:
    metrics = bytes(range(200, 256)) + b"\0\1\2"
    assert mask().content("/sys/gpu_metrics", metrics) == metrics
    assert mask().content("/sys/config", b"\2\x10\0\0abc 10.0.0.1") == b"\2\x10\0\0abc 10.0.0.1"


def test_unique_ids_go_when_asked_for() -> None:
    assert mask().text("a6e2b8d01234cdef") == "a6e2b8d01234cdef"
    assert "a6e2b8d01234cdef" not in mask(unique_ids=True).text("0xa6e2b8d01234cdef a6e2b8d01234cdef")


@given(st.text())
def test_masking_is_steady(text: str) -> None:
    same = mask()
    once = same.text(text)
    assert same.text(text) == once
