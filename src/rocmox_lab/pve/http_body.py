"""Parameters of a request: query, form, JSON and uploads, with pveproxy's complaints (PVE::APIServer::AnyEvent)."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from rocmox_lab.pve.validate import normalize

UPLOADS = "/var/tmp"  # noqa: S108 - PVE's own place; the table of `upload` admits no other
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_MULTIPART = "multipart/form-data"
_WITHOUT_BODY = {"GET", "DELETE"}
_WHERE = "at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 917."


class BodyError(Exception):
    """A body that cannot be taken in; answered as plain text."""

    def __init__(self, status: int, reason: str, body: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.body = body


async def read_parameters(request: web.Request) -> dict[str, Any]:
    """Everything sent, as text; a key given twice becomes a list."""
    parameters: dict[str, Any] = {}
    for key, value in request.query.items():
        _add(parameters, key, value)
    if not request.can_read_body or request.content_length == 0:
        return parameters
    if request.method in _WITHOUT_BODY:
        text = f"Unexpected content for method '{request.method}'"
        raise BodyError(501, text, text)
    if request.content_type == _FORM:
        for key, sent in (await request.post()).items():
            _add(parameters, key, str(sent))
    elif request.content_type == _JSON:
        parameters.update(_parse_json(await request.text()))
    elif request.content_type == _MULTIPART:
        await _read_upload(request, parameters)
    else:
        text = f"upload 'Content-Type '{request.content_type}' not implemented"
        raise BodyError(506, text, text)
    return parameters


def _add(parameters: dict[str, Any], key: str, value: str) -> None:
    if key in parameters:
        old = parameters[key]
        parameters[key] = [*old, value] if isinstance(old, list) else [old, value]
    else:
        parameters[key] = value


def _parse_json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        rest = text[error.pos :] or "(end of string)"
        words = "malformed JSON string, neither tag, array, object, number, string or atom,"
        reason = f'{words} at character offset {error.pos} (before "{rest}") {_WHERE}'
        raise BodyError(500, reason, reason + "\n") from error
    return {key: normalize(value) for key, value in content.items()} if isinstance(content, dict) else {}


async def _read_upload(request: web.Request, parameters: dict[str, Any]) -> None:
    """Fields become parameters, the file goes into a temporary one (`tmpfilename`)."""
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            parameters[part.name] = await part.text()
            continue
        temporary = Path(UPLOADS) / f"pveupload-{secrets.token_hex(16)}"
        with temporary.open("xb") as stream:
            while chunk := await part.read_chunk(1 << 20):
                stream.write(chunk)
        parameters["filename"] = Path(part.filename).name
        parameters["tmpfilename"] = str(temporary)
