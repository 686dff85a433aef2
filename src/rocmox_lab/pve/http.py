"""The API over HTTPS, as pveproxy answers: `python -m rocmox_lab.pve.http [--root DIR] [--port 8006] …`.

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
from rocmox_lab.pve.access_log import AccessLog
from rocmox_lab.pve.answers import AnswerError, UnauthenticatedError
from rocmox_lab.pve.api import Answer, Api
from rocmox_lab.pve.faults.calls import answer_or_obey, refuse_expired
from rocmox_lab.pve.http_body import BodyError, read_parameters

JSON_TYPE = "application/json;charset=UTF-8"
PREFIXES = ("/api2/json", "/api2/extjs")
COOKIE = "PVEAuthCookie"
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
        self._log.add(request, response, _claimed_user(request))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = request.rel_url.raw_path
        prefix = next((entry for entry in PREFIXES if raw == entry or raw.startswith(entry + "/")), None)
        if request.method not in METHODS:
            return _plain(501, f"method '{request.method}' not available", "")
        if prefix is None:
            return _plain(501, "no such file", "") if raw != "/" else _plain(200, "OK", "rocmox lab: Proxmox VE API\n")
        path = urllib.parse.unquote(raw[len(prefix) :]) or "/"
        return await answer_or_obey(self._api.node, request, path, lambda: self._api_answer(request, path))

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
        refuse_expired(self._api.node, ticket)
        user = tickets.check_ticket(self._api.node, ticket)
        tickets.account_of(self._api.node, user)
        if request.method != "GET":
            tickets.check_csrf(self._api.node, user, request.headers.get("CSRFPreventionToken"))
        return user


def _claimed_user(request: web.Request) -> str:
    """Who the ticket (`PVE:USER:…`) or token (`PVEAPIToken=USER!NAME=…`) says is calling; empty without either."""
    token = request.headers.get("Authorization", "")
    if token.startswith("PVEAPIToken"):
        return token.removeprefix("PVEAPIToken").lstrip("= ").partition("=")[0]
    return ticket_of(request).partition(":")[2].partition(":")[0]


def ticket_of(request: web.Request) -> str:
    """The ticket from the Cookie header, empty when there is none; it holds characters that strict parsers drop."""
    for part in request.headers.get("Cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return urllib.parse.unquote(value.strip('"'))
    return ""


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


def main(argv: list[str] | None = None) -> int:
    """Entry point of rocmox-lab-api.service."""
    from rocmox_lab.pve.serve import main as serve  # noqa: PLC0415 - the start-up stands apart from the protocol

    return serve(argv)


if __name__ == "__main__":
    raise SystemExit(main())
