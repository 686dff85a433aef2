"""The connection plugin pve_lxc and a real container of the lab: bytes, words, statuses, and all that breaks."""

import hashlib
import os
import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from tests.end_to_end.entered_guest import (
    MISSING_VMID,
    VMID,
    Node,
    Relay,
    enter,
    make_guest,
    names_in,
    start_guest,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

WORDS = [
    "".join(chr(code) for code in range(1, 128)),
    "a b\tc\nd\r\ne",
    "$(touch /tmp/broken) `touch /tmp/broken` $HOME ${IFS} ; touch /tmp/broken & | > /tmp/broken",
    "'\"'\\''\"\\\"\\\\",
    "-n --help * ? [a] {b,c} ~ ! # %s %n \\0",
    "显卡 é 🜲 \u202e",
    "",
]


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[Node]:
    node = Node(address=lab["node_address"], private_key=lab["ssh_private_key"], known_hosts=lab["known_hosts"])
    make_guest(node)
    yield node
    node.run("pct", "stop", str(VMID), check=False)
    node.run("pct", "destroy", str(VMID), check=False)


@pytest.fixture
def guest(node: Node) -> Any:
    start_guest(node)
    return enter(node)


@pytest.fixture
def relay(node: Node) -> Iterator[Relay]:
    start_guest(node)
    relay = Relay(node.address)
    yield relay
    relay.close()


@pytest.mark.parametrize("word", WORDS)
def test_words_arrive_as_they_are(guest: Any, word: str) -> None:
    assert guest.exec_command(f"printf %s {shlex.quote(word)}") == (0, word.encode(), b"")
    assert guest.exec_command("! test -e /tmp/broken")[0] == 0


def test_stdin_arrives_as_it_is_and_ends(guest: Any) -> None:
    data = os.urandom(10_000_000) + b"\x00\x04\x1a\n"
    digest = hashlib.sha256(data).hexdigest()
    assert guest.exec_command("sha256sum", in_data=data) == (0, f"{digest}  -\n".encode(), b"")
    assert guest.exec_command("cat", in_data=data[-50_000:]) == (0, data[-50_000:], b"")


def test_without_stdin_a_reader_sees_its_end_at_once(guest: Any) -> None:
    started = time.monotonic()
    assert guest.exec_command("cat; echo end") == (0, b"end\n", b"")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [0, 1, 2, 126, 127, 130, 254, 255])
@pytest.mark.parametrize("in_data", [None, b"some input\n"])
def test_exit_status_and_both_streams_are_those_of_the_command(guest: Any, status: int, in_data: bytes | None) -> None:
    command = f"echo out; printf 'err, no newline' >&2; exit {status}"
    assert guest.exec_command(command, in_data=in_data) == (status, b"out\n", b"err, no newline")


def test_statuses_of_the_shell_itself(guest: Any) -> None:
    assert guest.exec_command("no-such-command")[0] == 127
    assert guest.exec_command("/etc/passwd")[0] == 126
    assert guest.exec_command("kill -9 $$")[0] == 128 + 9


def test_a_message_like_sshs_own_is_no_lost_connection(guest: Any) -> None:
    status, _, err = guest.exec_command("echo 'ssh: connect to host x port 22: Connection refused' >&2; exit 255")
    assert status == 255
    assert b"Connection refused" in err


def test_the_environment_is_the_guests(guest: Any) -> None:
    words = guest.exec_command("env; pwd; tty; umask")[1].decode().splitlines()
    wanted = ["HOME=/root", "LANG=C.UTF-8", "TERM=dumb", "USER=root", "container=lxc", "/root", "not a tty", "0022"]
    assert [word for word in wanted if word not in words] == []
    assert [word for word in words if word.startswith(("SSH_", "MAIL="))] == []


@pytest.mark.parametrize("size_bytes", [0, 1, 10_000_000])
def test_a_file_goes_and_comes_back_whole(guest: Any, tmp_path: Path, size_bytes: int) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(size_bytes))
    strange = "/tmp/a 'strange' \"name\" $(x)\n-é"  # noqa: S108 - in the guest
    guest.put_file(str(there), strange)
    guest.fetch_file(strange, str(back))
    assert back.read_bytes() == there.read_bytes()
    assert names_in(tmp_path) == ["back", "there"]


def test_a_file_that_is_replaced_keeps_its_owner_and_mode(guest: Any, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new\n")
    guest.exec_command("echo old > /root/kept; chown daemon:daemon /root/kept; chmod 0640 /root/kept")
    guest.put_file(str(tmp_path / "new"), "/root/kept")
    assert guest.exec_command("stat -c '%U:%G %a' /root/kept; cat /root/kept")[1] == b"daemon:daemon 640\nnew\n"


def test_a_file_that_cannot_be_moved_says_which_and_leaves_nothing(guest: Any, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new\n")
    with pytest.raises(AnsibleError, match="could not be sent to /no/such/place"):
        guest.put_file(str(tmp_path / "new"), "/no/such/place")
    with pytest.raises(AnsibleError, match="/no/such/file could not be fetched from container 191"):
        guest.fetch_file("/no/such/file", str(tmp_path / "back"))
    assert names_in(tmp_path) == ["new"]


def test_a_command_too_long_for_linux_is_refused_with_what_to_do(guest: Any) -> None:
    assert guest.exec_command("printf %s " + "x" * 120_000)[1] == b"x" * 120_000
    with pytest.raises(AnsibleError, match="HINT: send the long part as a file"):
        guest.exec_command("echo " + "x" * 131_072)


def test_a_stopped_guest_says_how_to_start_it(node: Node) -> None:
    node.run("pct", "stop", str(VMID))
    with pytest.raises(AnsibleConnectionFailure, match=rf"(?s)is not running on .*pct start {VMID}"):
        enter(node).exec_command("true")
    with pytest.raises(AnsibleConnectionFailure, match="is not running"):
        enter(node).put_file(__file__, "/root/x")


def test_a_missing_guest_and_a_wrong_node_are_told_apart(node: Node) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=rf"(?s){MISSING_VMID} does not exist.*pct list"):
        enter(node, proxmox_vmid=MISSING_VMID).exec_command("true")
    with pytest.raises(AnsibleConnectionFailure, match=r"(?s)node of container 191.*does not answer.*HINT: `ssh"):
        enter(node, ansible_port=9, ansible_host="127.0.0.1").exec_command("true")


def test_an_unknown_host_key_is_refused(node: Node, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    arguments = f"-o UserKnownHostsFile={tmp_path}/empty -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes"
    with pytest.raises(AnsibleConnectionFailure, match="Host key verification failed"):
        enter(node, ansible_ssh_common_args=arguments).exec_command("true")


def test_a_guest_stopped_under_a_command(guest: Any, node: Node) -> None:
    timer = threading.Timer(1, node.run, ["pct", "stop", str(VMID)])
    timer.start()
    with pytest.raises(AnsibleConnectionFailure, match="was stopped while a command ran in it"):
        guest.exec_command("sleep 60")
    timer.join()


def test_a_node_that_falls_silent_is_given_up(node: Node, relay: Relay) -> None:
    guest = enter(node, **relay.variables)
    assert guest.exec_command("echo here")[1] == b"here\n"
    threading.Timer(0.5, relay.fall_silent).start()
    started = time.monotonic()
    with pytest.raises(AnsibleConnectionFailure, match="does not answer"):
        guest.exec_command("sleep 60")
    assert time.monotonic() - started < 15


def test_a_node_that_dies_is_noticed_at_once_and_the_next_try_serves(node: Node, relay: Relay) -> None:
    guest = enter(node, **relay.variables)
    assert guest.exec_command("echo here")[1] == b"here\n"
    threading.Timer(0.5, relay.hang_up).start()
    started = time.monotonic()
    with pytest.raises(AnsibleConnectionFailure, match="does not answer"):
        guest.exec_command("sleep 60")
    assert time.monotonic() - started < 5
    assert guest.exec_command("echo again")[1] == b"again\n"


def test_a_file_cut_off_on_its_way_leaves_the_old_one(node: Node, relay: Relay, tmp_path: Path) -> None:
    guest = enter(node, **relay.variables)
    (tmp_path / "small").write_text("old\n")
    guest.exec_command("rm -f /root/cut*")
    guest.put_file(str(tmp_path / "small"), "/root/cut")
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(4 << 30)  # more than goes through in the time it is given
    threading.Timer(1, relay.hang_up).start()
    with pytest.raises(AnsibleConnectionFailure):
        guest.put_file(str(large), "/root/cut")
    left = b"the guest notices the cut within half a minute"
    for _ in range(30):
        left = guest.exec_command("cat /root/cut; ls /root | grep -c '^cut'")[1]
        if left == b"old\n1\n":
            break
        time.sleep(1)
    assert left == b"old\n1\n"
