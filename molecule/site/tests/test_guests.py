"""What stands in the guests after the site converged."""

import json

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://gpu_guests"]


def test_the_model_is_served_by_its_own_user(host: Host) -> None:
    shown = host.run("systemctl show --property=User,ActiveState llama-server@tiny").stdout.split()
    assert sorted(shown) == ["ActiveState=active", "User=llama"]


def test_the_api_asks_for_its_key(host: Host) -> None:
    url = "http://$(hostname -I | cut -d' ' -f1):8080/props"
    headers = "dict(word.split('=', 1) for word in sys.argv[2:])"
    ask = f"import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], headers={headers}))"
    assert "HTTP Error 401" in host.run(f'python3 -c "{ask}" {url}').stderr
    assert host.run(f'python3 -c "{ask}" {url} "Authorization=Bearer $(cat /etc/llama-server/api-key)"').rc == 0


def test_the_key_is_for_root_alone(host: Host) -> None:
    key = host.file("/etc/llama-server/api-key")
    assert (key.user, key.mode & 0o077) == ("root", 0)


def test_what_is_served_is_described_for_everyone_and_without_secrets(host: Host) -> None:
    described = host.file("/etc/rocmox/served/llama_cpp-tiny.json")
    assert (described.user, described.mode) == ("root", 0o644)
    served = json.loads(described.content_string)
    assert (served["unit"], served["port"], served["backend"]) == ("llama-server@tiny.service", 8080, "cpu")
    assert host.file(served["api_key_file"]).content_string.strip() not in described.content_string


@pytest.mark.parametrize("device", ["kfd", "dri/renderD128", "dri/renderD129", "dri/renderD130"])
def test_a_card_may_be_opened_by_the_service(host: Host, device: str) -> None:
    assert host.run(f"stat --format='%F %G' /dev/{device}").stdout.strip() == "character special file render"
    probe = f"setpriv --reuid=llama --init-groups --regid=llama -- sh -c ': <>/dev/{device}'"
    assert "No such device or address" in host.run(probe).stderr  # ENXIO: let through, and no driver is behind it


def test_no_sshd_is_needed(host: Host) -> None:
    assert not host.package("openssh-server").is_installed
