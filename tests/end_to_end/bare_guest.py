"""A guest without curl, git, compiler and accounts; in it a server that asks for a password, and a watcher."""

import base64
import json
import re
import urllib.request

from tests.end_to_end.conftest import on_node

VMID = 189
MARKER = "MARKER7f3"


def debian_13(lab: dict[str, str]) -> str:
    """The volume of the template, downloaded when it is not there."""
    found = re.search(r"debian-13-standard\S*", on_node(lab, "pveam", "available", "--section", "system"))
    assert found
    if found[0] not in on_node(lab, "pveam", "list", "local"):
        on_node(lab, "pveam", "download", "local", found[0])
    return f"local:vztmpl/{found[0]}"


def address(lab: dict[str, str]) -> str:
    return f"{lab['gateway'].rpartition('.')[0]}.{VMID}"


def in_guest(lab: dict[str, str], script: str) -> str:
    packed = base64.b64encode(script.encode()).decode()
    return on_node(lab, "sh", "-c", f"echo {packed} | base64 -d | pct exec {VMID} -- bash -s")


def served(lab: dict[str, str], name: str, *, host: str = "") -> str:
    """The address of a file in the guest, with the password that its server asks for."""
    return f"http://user:{MARKER}%40x@{host or address(lab)}:8099/{name}?token={MARKER}"


def checksum(lab: dict[str, str], name: str) -> str:
    return in_guest(lab, f"sha256sum /srv/bad/{name}").split()[0]


def assert_unseen(node: dict[str, str]) -> None:
    """No command line, file or log of the guest has the password, in whatever form."""
    assert in_guest(node, "cat /root/seen 2>/dev/null || true") == ""
    word = base64.b64encode(f"user:{MARKER}@x".encode()).decode()
    places = "/var/lib/llama-cpp /var/lib/llama-models /opt /etc /run /tmp /var/tmp"
    # By a file: the watcher sees command lines.
    look = f"printf '%s\\n' {MARKER} {word} > /root/patterns; grep -rlsIf /root/patterns {places}"
    assert in_guest(node, f"{look}; journalctl --no-pager --output=cat | grep -f /root/patterns || true") == ""


def ask(url: str, key: str) -> str:
    body = {"temperature": 0, "messages": [{"role": "user", "content": "Are you there?"}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)  # noqa: S310 - http, made above
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return str(json.load(answer)["choices"][0]["message"]["content"])
