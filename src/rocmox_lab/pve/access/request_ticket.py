"""The ticket or token that a request carries, before anybody has checked it."""

from __future__ import annotations

import urllib.parse

from aiohttp import web

COOKIE = "PVEAuthCookie"


def ticket_of(request: web.Request) -> str:
    """The ticket from the Cookie header, empty when there is none; it holds characters that strict parsers drop."""
    for part in request.headers.get("Cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return urllib.parse.unquote(value.strip('"'))
    return ""


def claimed_user(request: web.Request) -> str:
    """Who the ticket (`PVE:USER:…`) or token (`PVEAPIToken=USER!NAME=…`) says is calling; empty without either."""
    token = request.headers.get("Authorization", "")
    if token.startswith("PVEAPIToken"):
        return token.removeprefix("PVEAPIToken").lstrip("= ").partition("=")[0]
    return ticket_of(request).partition(":")[2].partition(":")[0]
