import io
import tarfile
from pathlib import Path

import pytest

from rocmox_lab.credentials import Credentials
from rocmox_lab.node_files import as_tar, node_files, resolver_text, user_store, write_into_layer
from rocmox_lab.pve.access.store import password_fits
from rocmox_lab.settings import LabSettings
from rocmox_lab.state import new_state

CREDENTIALS = Credentials(
    authorized_key="ssh-ed25519 AAAA client\n",
    host_private_key="HOST KEY\n",
    host_public_key="ssh-ed25519 AAAA node\n",
    certificate="CERTIFICATE\n",
    certificate_key="CERTIFICATE KEY\n",
    password_hash="$6$salt$hash",
    fingerprint="AB:CD",
)
STATE = new_state(LabSettings(node="pve7"), 9)
FILES = node_files(STATE, CREDENTIALS, "nameserver 192.0.2.53\n")


def content(path: str) -> str:
    return next(file.content for file in FILES if file.path == path)


def test_the_node_is_what_the_state_says() -> None:
    assert content("/etc/hostname") == "pve7\n"
    assert "address 10.77.9.2/24" in content("/etc/network/interfaces")
    assert "gateway 10.77.9.1" in content("/etc/network/interfaces")
    assert "-m rocmox_lab.pve.commands.pct " in content("/usr/sbin/pct")


def test_secrets_are_for_root_alone() -> None:
    assert {file.path for file in FILES if file.mode & 0o007 == 0 and not file.link_to} == {
        *("/etc/ssh/ssh_host_ed25519_key", "/root/.ssh/authorized_keys"),
        *("/etc/pve/nodes/pve7/pve-ssl.pem", "/etc/pve/nodes/pve7/pve-ssl.key"),
    }


def test_both_ways_into_the_node_give_the_same_files(tmp_path: Path) -> None:
    lower, upper, unpacked = tmp_path / "lower", tmp_path / "upper", tmp_path / "unpacked"
    (lower / "root").mkdir(parents=True)
    (lower / "root").chmod(0o700)
    write_into_layer(FILES, upper=upper, lower=lower)
    write_into_layer(FILES, upper=upper, lower=lower)
    with tarfile.open(fileobj=io.BytesIO(as_tar(FILES))) as archive:
        archive.extractall(unpacked, filter="tar")
    assert (upper / "root").stat().st_mode & 0o777 == 0o700
    for file in FILES:
        one, other = upper / file.path.lstrip("/"), unpacked / file.path.lstrip("/")
        if file.link_to:
            assert one.readlink() == other.readlink() == Path(file.link_to)
        else:
            assert one.read_text() == other.read_text() == file.content
            assert one.stat().st_mode == other.stat().st_mode


def test_the_first_users_are_root_with_the_labs_password() -> None:
    store = user_store("secret")
    assert store.mode == 0o600
    hashed = store.content.split('"password": "')[1].split('"')[0]
    assert password_fits("secret", hashed)
    assert not password_fits("other", hashed)


@pytest.mark.parametrize(
    ("own", "systemd", "expected"),
    [
        ("# x\nnameserver 192.0.2.1\nsearch a.example\n", "", "nameserver 192.0.2.1\nsearch a.example\n"),
        ("nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.2\n", "nameserver 192.0.2.2\n"),
        ("nameserver 127.0.0.1\n", "", "nameserver 127.0.0.1\n"),
        ("nameserver\nnameserver 192.0.2.3\n", "", "nameserver 192.0.2.3\n"),
    ],
)
def test_the_node_asks_a_name_server_it_can_reach(own: str, systemd: str, expected: str) -> None:
    assert resolver_text(own, systemd) == expected
