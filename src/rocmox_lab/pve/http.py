"""The API over HTTPS, as pveproxy answers: `rocmox_lab.pve.serve` starts it.

Reason phrases carry PVE's texts; 401 comes late, empty, and closes the connection; DELETE with a body is refused.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
import urllib.parse
from typing import Any

from aiohttp import web

from rocmox_lab.pve.access import tickets
from rocmox_lab.pve.access.request_ticket import claimed_user, ticket_of
from rocmox_lab.pve.access_log import AccessLog
from rocmox_lab.pve.answers import AnswerError, UnauthenticatedError
from rocmox_lab.pve.api import Answer, Api
from rocmox_lab.pve.faults.calls import answer_or_obey, refuse_expired
from rocmox_lab.pve.faults.orders import FOLDER as FAULTS
from rocmox_lab.pve.http_body import BodyError, read_parameters

JSON_TYPE = "application/json;charset=UTF-8"
PREFIXES = ("/api2/json", "/api2/extjs")
METHODS = {"GET", "POST", "PUT", "DELETE"}
UNAUTHORIZED = 401
NO_TICKET = "No ticket"


class Server:
    """One aiohttp handler in front of the API; calls run in threads, since they block."""

    def __init__(self, api: Api, *, delay_seconds: float = 3.0) -> None:
        self._api = api
        self._delay_seconds = delay_seconds
        self._log = AccessLog(api.node)

    def application(self) -> web.Application:
        """What aiohttp serves."""
        application = web.Application(client_max_size=16 << 30)
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request to an answer."""
        started = time.monotonic()
        response = await self._answer(request)
        if response.status == UNAUTHORIZED:
            await asyncio.sleep(max(0.0, self._delay_seconds - (time.monotonic() - started)))
        self._log.add(request, response, claimed_user(request))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = request.rel_url.raw_path
        prefix = next((entry for entry in PREFIXES if raw == entry or raw.startswith(entry + "/")), None)
        if request.method not in METHODS:
            return _plain(501, f"method '{request.method}' not available", "")
        if prefix is None:
            return _plain(501, "no such file", "") if raw != "/" else _plain(200, "OK", "rocmox lab: Proxmox VE API\n")
        path = urllib.parse.unquote(raw[len(prefix) :]) or "/"
        orders = self._api.node.path(FAULTS)
        return await answer_or_obey(orders, request, path, ticket_of(request), lambda: self._api_answer(request, path))

    async def _api_answer(self, request: web.Request, path: str) -> web.Response:
        try:
            parameters = await read_parameters(request)
            answer = await asyncio.get_running_loop().run_in_executor(None, self._call, request, path, parameters)
        except BodyError as error:
            return _plain(error.status, error.reason, error.body)
        except UnauthenticatedError as error:
            reason = "Authentication failed!" if self._api.node.modern and str(error) != NO_TICKET else str(error)
            response = _plain(UNAUTHORIZED, reason, "")
            response.force_close()
            return response
        except AnswerError as error:
            return _refusal(error)
        except Exception as error:  # noqa: BLE001 - a defect answers 500 like Perl's die, and leaves its trace in the journal
            traceback.print_exc()
            return _refusal(AnswerError(f"internal error of the lab: {type(error).__name__}: {error}\n"))
        return _success(answer)

    def _call(self, request: web.Request, path: str, parameters: dict[str, Any]) -> Answer:
        user = self._user(request, path)
        return self._api.call(request.method, path, parameters, user=user)

    def _user(self, request: web.Request, path: str) -> str | None:
        """The caller; None without any ticket. Logging in needs none, whatever the request carries."""
        if path.strip("/") == "access/ticket":
            return None
        authorization = request.headers.get("Authorization", "")
        if authorization.startswith("PVEAPIToken"):
            token = authorization.removeprefix("PVEAPIToken").lstrip("= ")
            return tickets.check_api_token(self._api.node, token)
        ticket = ticket_of(request)
        if not ticket:
            return None
        refuse_expired(self._api.node.path(FAULTS), ticket)
        user = tickets.check_ticket(self._api.node, ticket)
        tickets.account_of(self._api.node, user)
        if request.method != "GET":
            tickets.check_csrf(self._api.node, user, request.headers.get("CSRFPreventionToken"))
        return user


def _plain(status: int, reason: str, body: str) -> web.Response:
    response = web.Response(status=status, reason=_reason(reason), body=body.encode())
    response.headers.popall("Content-Type", None)
    return response


def _reason(text: str) -> str:
    return text.strip().replace("\r", " ").split("\n", 1)[0] or "OK"


def _json(status: int, reason: str, content: dict[str, Any]) -> web.Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(status=status, reason=_reason(reason), body=body, headers={"Content-Type": JSON_TYPE})


def _success(answer: Answer) -> web.Response:
    if "download" in answer.attributes:
        return _plain(200, "OK", str(answer.attributes["download"]))
    return _json(200, "OK", {"data": answer.data, **answer.attributes})


def _refusal(error: AnswerError) -> web.Response:
    content: dict[str, Any] = {"data": None, "message": error.message}
    if error.errors is not None:
        content["errors"] = error.errors
    return _json(error.status, error.reason, content)
