"""The HTTP session: certificate verified by a CA or pinned by fingerprint, reads retried, one connection kept alive."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.util import Retry
from urllib3.util.ssl_ import create_urllib3_context

from rocmox.proxmox.api import Endpoint
from rocmox.proxmox.https_failures import PASSING_STATUSES, is_certificate_trouble

_CONNECT_SECONDS = 10.0
_LOGIN = "/api2/json/access/ticket"


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

    def send(self, request: requests.PreparedRequest, *arguments: Any, **keywords: Any) -> requests.Response:
        """As HTTPAdapter, whose retries end with the header, and with TLS: what breaks off there counts as well."""
        retries = self.max_retries
        while True:
            try:
                response = super().send(request, *arguments, **keywords)
                response.content  # noqa: B018 - reads the body
            except (requests.exceptions.ChunkedEncodingError, requests.exceptions.SSLError) as error:
                if "ingerprint" in str(error) or is_certificate_trouble(error):
                    raise
                try:
                    retries = retries.increment(request.method, request.url, error=ProtocolError(str(error)))
                except HTTPError:
                    raise error from None
                retries.sleep()
            else:
                return response


class _Session(requests.Session):
    """Every request has a timeout; proxmoxer passes none."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self._timeout = (min(_CONNECT_SECONDS, timeout_seconds), timeout_seconds)

    def request(self, *arguments: Any, **keywords: Any) -> requests.Response:
        keywords.setdefault("timeout", self._timeout)
        return super().request(*arguments, **keywords)


def make_session(endpoint: Endpoint) -> requests.Session:
    """A session for one endpoint. Only a GET and a login are repeated: they change nothing."""
    session = _Session(endpoint.timeout_seconds)
    retries = Retry(
        total=3,
        connect=2,
        read=2,
        status=2,
        other=0,  # a certificate does not become right by asking again
        backoff_factor=0.3,
        status_forcelist=PASSING_STATUSES,
        allowed_methods={"GET"},
        raise_on_status=False,
    )
    usual = _Adapter(endpoint.pinned, retries)
    login = _Adapter(endpoint.pinned, retries.new(allowed_methods={"POST"}))
    login.poolmanager = usual.poolmanager
    session.mount("https://", usual)
    session.mount(f"{endpoint.address}{_LOGIN}", login)
    if endpoint.fingerprint:
        # The pin is the whole check: neither REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE nor a proxy of the environment may
        # replace it: with trust_env they override verify=False (requests, Session.merge_environment_settings).
        session.trust_env = False
        session.verify = False
    elif endpoint.ca_file:
        session.trust_env = False
        session.verify = endpoint.ca_file
    return session
