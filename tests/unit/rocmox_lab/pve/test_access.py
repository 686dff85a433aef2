from __future__ import annotations

import time

import pytest

from rocmox_lab.pve.access import roles, store, tickets
from rocmox_lab.pve.access.rights import Rights
from rocmox_lab.pve.answers import AnswerError, NoPermissionError, UnauthenticatedError
from rocmox_lab.pve.node import Node
from tests.unit.rocmox_lab.pve.pretended_node import Client


def entry(path: str, who: str, role: str, kind: str = "user", propagate: int = 1) -> dict[str, object]:
    return {"path": path, "type": kind, "ugid": who, "roleid": role, "propagate": propagate}


def rights(*acl: dict[str, object], tokens: dict[str, dict[str, int]] | None = None) -> Rights:
    users = {"root@pam": {}, "a@pve": {"tokens": tokens or {}, "groups": ["team"]}}
    return Rights({"users": users, "roles": {}, "acl": list(acl)}, "8.4")


def test_roles_go_down_the_tree_and_deeper_ones_replace() -> None:
    found = rights(entry("/vms", "a@pve", "PVEVMAdmin"), entry("/vms/101", "a@pve", "PVEAuditor"))
    assert found.has("a@pve", "/vms/100", "VM.Allocate")
    assert not found.has("a@pve", "/vms/101", "VM.Allocate")
    assert found.has("a@pve", "/vms/101", "VM.Audit")


def test_no_propagation_means_here_only() -> None:
    found = rights(entry("/storage", "a@pve", "PVEDatastoreUser", propagate=0))
    assert found.has("a@pve", "/storage", "Datastore.Audit")
    assert not found.has("a@pve", "/storage/local", "Datastore.Audit")


def test_groups_count_until_a_personal_entry_and_no_access_ends_all() -> None:
    team = entry("/vms", "team", "PVEVMUser", kind="group")
    assert rights(team).has("a@pve", "/vms/1", "VM.Console")
    assert not rights(team, entry("/vms", "a@pve", "NoAccess")).has("a@pve", "/vms/1", "VM.Console")


def test_a_separated_token_has_what_both_have() -> None:
    acl = [entry("/vms", "a@pve", "PVEVMAdmin"), entry("/", "a@pve!t", "Administrator", kind="token")]
    tokens = {"t": {"privsep": 1}, "f": {"privsep": 0}, "s": {"privsep": 1}}
    found = rights(*acl, tokens=tokens)
    assert found.has("a@pve!t", "/vms/100", "VM.Allocate")
    assert not found.has("a@pve!t", "/vms/100", "Sys.Modify")
    assert found.has("a@pve!f", "/vms/100", "VM.Allocate")
    assert found.at("a@pve!s", "/vms/100") == {}


def test_refusals_name_path_and_privileges() -> None:
    with pytest.raises(NoPermissionError, match=r"\(/vms/1, VM.Audit\|VM.Backup\)"):
        rights().need_any("a@pve", "/vms/1", ["VM.Audit", "VM.Backup"])


def test_pve_9_knows_other_privileges() -> None:
    assert "VM.Monitor" in roles.privileges("8.4")
    assert "VM.Monitor" not in roles.privileges("9.2")


def test_tickets_are_signed_and_grow_old(node: Node) -> None:
    ticket = tickets.make_ticket(node, "root@pam")
    assert tickets.check_ticket(node, ticket) == "root@pam"
    for bad in (ticket.replace("root", "toor"), ticket[:-4] + "AAAA", "garbage"):
        with pytest.raises(UnauthenticatedError, match="invalid PVE ticket"):
            tickets.check_ticket(node, bad)
    with pytest.raises(UnauthenticatedError):
        tickets.check_ticket(node, tickets.make_ticket(node, "root@pam", now=time.time() - 8000))
    tickets.check_csrf(node, "root@pam", tickets.make_csrf(node, "root@pam"))
    with pytest.raises(UnauthenticatedError, match="csrf"):
        tickets.check_csrf(node, "root@pam", tickets.make_csrf(node, "other@pve"))


def test_passwords_are_kept_as_hashes(node: Node) -> None:
    stored = store.read(node)["users"]["root@pam"]["password"]
    assert "root-secret-1" not in stored
    assert store.password_fits("root-secret-1", stored)
    assert not store.password_fits("other", stored)
    assert not store.password_fits("any", None)


def test_a_token_is_made_shown_once_and_known(client: Client) -> None:
    made = client("POST", "/access/users/root@pam/token/ci", privsep=0)
    assert isinstance(made, dict)
    name, secret = made["full-tokenid"], made["value"]
    assert tickets.check_api_token(client.node, f"{name}={secret}") == "root@pam!ci"
    for header, reason in (
        (f"{name}=wrong", "invalid token value!"),
        ("root@pam!zz=x", "no such token 'zz'"),
        ("nobody@pve!zz=x", "no such user"),
        ("nonsense", "no tokenid specified"),
    ):
        with pytest.raises(UnauthenticatedError, match=reason):
            tickets.check_api_token(client.node, header)
    with pytest.raises(AnswerError) as caught:
        client("POST", "/access/users/root@pam/token/ci")
    assert caught.value.errors == {"tokenid": "Token already exists."}


def test_nobody_logs_in_with_a_wrong_password(client: Client) -> None:
    with pytest.raises(AnswerError, match="authentication failure") as caught:
        client("POST", "/access/ticket", username="root@pam", password="nope")
    assert caught.value.status == 401
    found = client("POST", "/access/ticket", username="root", realm="pam", password="root-secret-1")
    assert isinstance(found, dict)
    assert found["username"] == "root@pam"
