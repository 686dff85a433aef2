"""The HTTP session: certificate verified by a CA or pinned by fingerprint, reads retried, one connection kept alive."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
from urllib3.util.ssl_ import create_urllib3_context

from rocmox.proxmox.api import Endpoint

_CONNECT_SECONDS = 10.0
# pveproxy answers 595 (no connection), 596 (broken) when the node behind it is busy or restarting.
_PASSING = frozenset({502, 503, 504, 595, 596, 599})


class _Adapter(HTTPAdapter):
    """Checks the peer's certificate against a SHA-256 fingerprint instead of a chain and a name."""

    def __init__(self, fingerprint: str, retries: Retry) -> None:
        self._fingerprint = fingerprint
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        if self._fingerprint:
            keywords["assert_fingerprint"] = self._fingerprint
            # A context of our own: urllib3 would load the system's CAs into its own, which nothing is checked against.
            keywords["ssl_context"] = create_urllib3_context(cert_reqs=ssl.CERT_NONE)
        super().init_poolmanager(*arguments, **keywords)


class _Session(requests.Session):
    """Every request has a timeout; proxmoxer passes none."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self._timeout = (min(_CONNECT_SECONDS, timeout_seconds), timeout_seconds)

    def request(self, *arguments: Any, **keywords: Any) -> requests.Response:
        keywords.setdefault("timeout", self._timeout)
        return super().request(*arguments, **keywords)


def make_session(endpoint: Endpoint) -> requests.Session:
    """A session for one endpoint. Only GET is repeated: it changes nothing."""
    session = _Session(endpoint.timeout_seconds)
    retries = Retry(
        total=3,
        connect=2,
        read=2,
        status=2,
        other=0,  # a certificate does not become right by asking again
        backoff_factor=0.3,
        status_forcelist=_PASSING,
        allowed_methods={"GET"},
        raise_on_status=False,
    )
    session.mount("https://", _Adapter(endpoint.pinned, retries))
    if endpoint.fingerprint:
        # The pin is the whole check: neither REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE nor a proxy of the environment may
        # replace it: with trust_env they override verify=False (requests, Session.merge_environment_settings).
        session.trust_env = False
        session.verify = False
    elif endpoint.ca_file:
        session.trust_env = False
        session.verify = endpoint.ca_file
    return session
