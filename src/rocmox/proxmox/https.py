"""The HTTPS way in, over proxmoxer's resources and our own session (pinned certificate, expired ticket renewed).

proxmoxer logs in with a bare `requests.post`, which obeys REQUESTS_CA_BUNDLE even with verification off and cannot pin;
the session and the ticket are therefore ours, the addressing and the error decoding are proxmoxer's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests
from proxmoxer.backends.https import JsonSerializer
from proxmoxer.core import ProxmoxResource, ResourceException

from rocmox.proxmox.api import Account, Endpoint, Parameters
from rocmox.proxmox.https_failures import translate_http, translate_transport
from rocmox.proxmox.session import make_session

_UNAUTHORIZED = 401


class HttpsApi:
    """An account logged in at an endpoint. Logs in at the first call.

    Raises MachineError (unreachable), AuthenticationError, PermissionDeniedError, ProxmoxError.
    """

    def __init__(self, endpoint: Endpoint, account: Account) -> None:
        self.account_name = account.name
        self._endpoint = endpoint
        self._account = account
        self._session = make_session(endpoint)
        self._logged_in = False
        self._root = ProxmoxResource(
            base_url=f"{endpoint.address}/api2/json", session=self._session, serializer=JsonSerializer()
        )

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call(lambda at: at.get(**dict(parameters or {})), path)

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call(lambda at: at.post(**dict(parameters or {})), path)

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call(lambda at: at.put(**dict(parameters or {})), path)

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._call(lambda at: at.delete(**dict(parameters or {})), path)

    def _call(self, verb: Callable[[ProxmoxResource], Any], path: str) -> Any:
        """The answer's `data`. An expired ticket (401) is renewed once: PVE did nothing for that call."""
        if not self._logged_in:
            self._log_in()
        try:
            return self._once(verb, path)
        except ResourceException as error:
            if error.status_code != _UNAUTHORIZED or self._account.token_id:
                raise translate_http(error, self._endpoint, self.account_name, path) from error
        self._log_in()
        try:
            return self._once(verb, path)
        except ResourceException as error:
            raise translate_http(error, self._endpoint, self.account_name, path) from error

    def _once(self, verb: Callable[[ProxmoxResource], Any], path: str) -> Any:
        try:
            return verb(self._root(path.strip("/")))
        except requests.exceptions.RequestException as error:
            raise translate_transport(error, self._endpoint) from error

    def _log_in(self) -> None:
        self._logged_in = True
        if self._account.token_id:
            self._session.headers["Authorization"] = (
                f"PVEAPIToken={self._account.user}!{self._account.token_name}={self._account.token_secret}"
            )
            return
        self._session.cookies.clear()
        credentials = {"username": self._account.user, "password": self._account.password}
        try:
            ticket = self._once(lambda at: at.post(**credentials), "access/ticket")
        except ResourceException as error:
            raise translate_http(error, self._endpoint, self.account_name, "/access/ticket") from error
        self._session.cookies.set("PVEAuthCookie", ticket["ticket"])
        self._session.headers["CSRFPreventionToken"] = ticket["CSRFPreventionToken"]
