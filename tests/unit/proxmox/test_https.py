import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from rocmox.errors import (
    AuthenticationError,
    MachineError,
    PermissionDeniedError,
    ProxmoxError,
    RefusedError,
    UsageError,
)
from rocmox.proxmox import Account, Endpoint
from rocmox.proxmox.failures import ConfigChangedError, LostAnswerError, NotFoundError
from rocmox.proxmox.https import HttpsApi

from .tls_server import make_certificate, serve

PASSWORD = "correct horse"
LOGIN = "/api2/json/access/ticket"


class Pve:
    """Remembers what it was asked; `answers` are given in turn to everything but the login."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.logins = 0
        self.answers: list[tuple[int, str, Any]] = []

    def __call__(self, method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, str, Any]:
        if path == LOGIN:
            self.logins += 1
            if parse_qs(body)["password"] != [PASSWORD]:
                return 401, "authentication failure", {"data": None, "message": "authentication failure\n"}
            return 200, "OK", {"data": {"ticket": f"PVE:root@pam:{self.logins}", "CSRFPreventionToken": "C"}}
        self.requests.append((method, path, headers, body))
        return self.answers.pop(0) if self.answers else (200, "OK", {"data": "fine"})


@pytest.fixture
def pve() -> Pve:
    return Pve()


@pytest.fixture
def endpoint(pve: Pve, tmp_path: Path) -> Iterator[Endpoint]:
    pem, fingerprint = make_certificate(tmp_path)
    with serve(pem, pve) as port:
        yield Endpoint(host="127.0.0.1", port=port, fingerprint=fingerprint, timeout_seconds=5)


def log_in(endpoint: Endpoint, **account: str) -> HttpsApi:
    given = {"password": PASSWORD} | account if "token_id" not in account else account
    return HttpsApi(endpoint, Account(user="root@pam", **given))


def test_a_ticket_and_its_csrf_token_travel_with_every_call(endpoint: Endpoint, pve: Pve) -> None:
    api = log_in(endpoint)
    assert api.get("/version") == "fine"
    assert api.put("/nodes/pve1/lxc/101/config", {"cores": 2, "delete": "dev0"}) == "fine"
    (_, path, headers, _), (method, _, _, body) = pve.requests
    assert path == "/api2/json/version"
    assert "PVEAuthCookie=PVE:root@pam:1" in headers["Cookie"]
    assert headers["CSRFPreventionToken"] == "C"
    assert (method, parse_qs(body)) == ("PUT", {"cores": ["2"], "delete": ["dev0"]})
    assert pve.logins == 1


def test_a_token_needs_no_login(endpoint: Endpoint, pve: Pve) -> None:
    api = log_in(endpoint, token_id="root@pam!rocmox", token_secret="s3cret")
    assert api.account_name == "root@pam!rocmox"
    api.get("/version")
    assert pve.requests[0][2]["Authorization"] == "PVEAPIToken=root@pam!rocmox=s3cret"
    assert pve.logins == 0


def test_an_expired_ticket_is_renewed_once(endpoint: Endpoint, pve: Pve) -> None:
    api = log_in(endpoint)
    api.get("/version")
    pve.answers = [(401, "invalid PVE ticket", None)]
    assert api.get("/version") == "fine"
    assert pve.logins == 2
    assert "PVEAuthCookie=PVE:root@pam:2" in pve.requests[-1][2]["Cookie"]


def test_a_wrong_password_is_said_without_the_password(endpoint: Endpoint) -> None:
    with pytest.raises(AuthenticationError) as caught:
        log_in(endpoint, password="open sesame").get("/version")
    assert "authentication failure" in str(caught.value)
    assert "open sesame" not in str(caught.value)


def test_a_token_that_is_refused_is_not_tried_twice(endpoint: Endpoint, pve: Pve) -> None:
    pve.answers = [(401, "no such token 'x' for user 'root@pam'", None)] * 2
    with pytest.raises(AuthenticationError, match="no such token"):
        log_in(endpoint, token_id="x", token_secret="y").get("/version")
    assert len(pve.requests) == 1


def test_secrets_stay_out_of_reprs() -> None:
    assert "hush" not in repr(Account(user="root@pam", password="hush"))
    assert "hush" not in repr(Account(user="root@pam", token_id="x", token_secret="hush"))


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY"])
def test_the_environment_cannot_break_the_pin(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "pve.pem") if "BUNDLE" in variable else "http://127.0.0.1:1")
    assert log_in(endpoint).get("/version") == "fine"
    wrong = Endpoint(host=endpoint.host, port=endpoint.port, fingerprint="AB" * 32, timeout_seconds=5)
    with pytest.raises(RefusedError, match="another certificate than the one pinned"):
        log_in(wrong).get("/version")


def test_a_certificate_nobody_vouches_for_is_refused(endpoint: Endpoint) -> None:
    unpinned = Endpoint(host=endpoint.host, port=endpoint.port, timeout_seconds=5)
    with pytest.raises(RefusedError, match="is not trusted"):
        log_in(unpinned).get("/version")


def test_a_ca_file_vouches(endpoint: Endpoint, tmp_path: Path) -> None:
    trusted = Endpoint(host=endpoint.host, port=endpoint.port, ca_file=str(tmp_path / "pve.pem"), timeout_seconds=5)
    assert log_in(trusted).get("/version") == "fine"


def test_nobody_there_says_what_to_look_at() -> None:
    with pytest.raises(MachineError) as caught:
        log_in(Endpoint(host="127.0.0.1", port=1, fingerprint="AB" * 32)).get("/version")
    assert "Connection refused" in caught.value.message
    assert "pve_api_host" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "reason", "raised"),
    [
        (403, "Permission check failed (/vms/101, VM.Audit)", PermissionDeniedError),
        (500, "Configuration file 'nodes/pve1/lxc/9.conf' does not exist", NotFoundError),
        (500, "detected modified configuration - file changed by other user? Try again.", ConfigChangedError),
        (500, "CT is locked (backup)", ProxmoxError),
    ],
)
def test_answers_become_errors(
    endpoint: Endpoint, pve: Pve, status: int, reason: str, raised: type[ProxmoxError]
) -> None:
    api = log_in(endpoint)
    pve.answers = [(status, reason, {"data": None, "message": f"{reason}\n"})]
    with pytest.raises(raised, match=re.escape(reason)):
        api.put("/nodes/pve1/lxc/101/config", {"cores": 1})


def test_a_refused_parameter_is_named(endpoint: Endpoint, pve: Pve) -> None:
    api = log_in(endpoint)
    errors = {"dev0": "invalid format - format error\ndev0.gid: type check\n"}
    pve.answers = [(400, "Parameter verification failed.", {"data": None, "errors": errors})]
    with pytest.raises(ProxmoxError, match=r"400 Parameter verification failed\. dev0: invalid format - format error"):
        api.put("/nodes/pve1/lxc/101/config", {"dev0": "x"})


def test_a_read_is_repeated_a_change_is_not(endpoint: Endpoint, pve: Pve) -> None:
    api = log_in(endpoint)
    pve.answers = [(596, "Connection timed out", None)]
    assert api.get("/version") == "fine"
    pve.answers = [(596, "Connection timed out", None)]
    with pytest.raises(LostAnswerError, match="596"):
        api.post("/nodes/pve1/lxc/101/status/start")
    assert len(pve.requests) == 3


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"user": "root", "password": "x"}, "names no realm"),
        ({"user": "root@pam"}, "no way to log in"),
        ({"user": "root@pam", "token_id": "x"}, "half given"),
    ],
)
def test_an_account_is_whole(account: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Account(**account)


def test_a_fingerprint_is_checked_and_spelled_as_pve_does() -> None:
    assert Endpoint(host="x", fingerprint="ab" * 32).pinned == ":".join(["AB"] * 32)
    with pytest.raises(UsageError, match="not a SHA-256 fingerprint"):
        Endpoint(host="x", fingerprint="ab" * 20)
