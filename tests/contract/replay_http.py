"""Recorded HTTP calls against the lab's API, in order, on one fresh set-up."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from typing import Any

from rocmox_lab.pve.access.request_ticket import COOKIE
from tests.contract import compare, hooks, scope
from tests.contract.verdict import Verdict
from tests.contract.world import NODE, PASSWORDS, TOKEN_SECRET, NotReplayedError, World

PREFIX = "/api2/json"
OK = 200


class Replay:
    """One file's run: the server, the mapping from recorded UPIDs to new ones."""

    def __init__(self, world: World, file: str, pve: str, upids: dict[str, str]) -> None:
        self._world = world
        self._file = file
        self._pve = pve
        self._upids = upids
        self._passwords = dict(PASSWORDS)
        self._logins: dict[str, tuple[str, str]] = {}

    def run(self, record: dict[str, Any]) -> Verdict:
        """One recorded case."""
        request, response = record["request"], record["response"]
        path = urllib.parse.unquote(request["path"].removeprefix(PREFIX)) or "/"
        call = f"{request['method']} {path}"
        out = scope.endpoint_reason(self._pve, request["method"], path)
        hooks.before(self._world, record["case"])
        if ".task_status." in record["case"]:
            self._wait(path)
        status, reason, content = self._send(record)
        hooks.after(self._world, record["case"])
        if out is not None:
            return Verdict(file=self._file, case=record["case"], call=call, out=out)
        if status == OK:
            self._learn_password(path, record["request"])
        self._learn(response.get("json"), content)
        lines, words = self._compare(response, status, reason, content)
        for _ in range(10 if path.endswith("/interfaces") else 0):  # addresses come when the guest's network is up
            if not lines:
                break
            time.sleep(0.5)
            lines, words = self._compare(response, *self._send(record))
        return Verdict(file=self._file, case=record["case"], call=call, lines=tuple(lines), words=tuple(words))

    def _compare(self, response: dict[str, Any], status: int, reason: str, content: Any) -> tuple[list[str], list[str]]:
        lines, words = [], []
        if status != response["status"]:
            lines.append(f"status {response['status']} expected, {status} {reason!r} found")
        recorded, found = _object(response.get("json")), _object(content)
        if compare.normal(reason) != compare.normal(response["reason"]):
            words.append(f"{response['reason']!r} recorded, {reason!r} found")
        expected_keys, found_keys = set(recorded.get("errors") or {}), set(found.get("errors") or {})
        if expected_keys != found_keys:
            lines.append(f"errors about {sorted(expected_keys)} expected, about {sorted(found_keys)} found")
        elif (recorded.get("errors") or {}) != (found.get("errors") or {}):
            words.append(f"{recorded['errors']} recorded, {found['errors']} found")
        empty = recorded.get("data") == [] or found.get("data") == []
        if set(recorded) - ({"total"} if empty else set()) != set(found) - ({"total"} if empty else set()):
            lines.append(f"top level {sorted(recorded)} expected, {sorted(found)} found")
        whole = response.get("json")
        if whole is not None and not isinstance(whole, dict):
            lines += compare.differences(whole, content, "answer")
        lines += self._compare_data(recorded.get("data"), found.get("data"))
        return lines, words

    def _compare_data(self, recorded: Any, found: Any) -> list[str]:
        running = isinstance(recorded, dict) and "upid" in recorded and recorded.get("status") == "running"
        if running and isinstance(found, dict):
            found = {key: value for key, value in found.items() if key != "exitstatus"} | {"status": "running"}
        lines = compare.differences(recorded, found)
        if isinstance(recorded, dict) and "exitstatus" in recorded and isinstance(found, dict):
            expected, ended = recorded["exitstatus"] == "OK", found.get("exitstatus") == "OK"
            if expected != ended:
                lines.append(f"exit status {recorded['exitstatus']!r} expected, {found.get('exitstatus')!r} found")
        return lines

    def _learn(self, recorded: Any, found: Any) -> None:
        """A recorded UPID is from now on the one just received; its task is let end."""
        old = recorded.get("data") if isinstance(recorded, dict) else None
        new = found.get("data") if isinstance(found, dict) else None
        if isinstance(old, str) and isinstance(new, str) and old.startswith("UPID:") and new.startswith("UPID:"):
            self._upids[old] = new
            self._wait(new)

    def _wait(self, text: str) -> None:
        """Until the task named in a text has ended."""
        upid = next((new for old, new in self._upids.items() if old in text or new in text), None)
        deadline = time.monotonic() + 120
        while upid and time.monotonic() < deadline:
            target = f"{PREFIX}/nodes/{NODE}/tasks/{urllib.parse.quote(upid, safe='')}/status"
            _, _, content = self._exchange("GET", target, None, self._headers("root@pam"))
            if _object(_object(content).get("data")).get("status") != "running":
                return
            time.sleep(0.05)

    def _login(self, user: str) -> tuple[str, str]:
        """Ticket and CSRF token of a user, asked for once; NotReplayedError when the node refuses."""
        if user not in self._logins:
            if user not in self._passwords:
                raise NotReplayedError(
                    f"no password of {user} is known: neither the set-up nor the recording gives one"
                )
            body = urllib.parse.urlencode({"username": user, "password": self._passwords[user]}).encode()
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            status, reason, content = self._exchange("POST", f"{PREFIX}/access/ticket", body, form)
            data = _object(_object(content).get("data"))
            if not data.get("ticket"):
                raise NotReplayedError(f"the login of {user} is refused: {status} {reason}")
            self._logins[user] = (data["ticket"], data.get("CSRFPreventionToken") or "")
        return self._logins[user]

    def _learn_password(self, path: str, request: dict[str, Any]) -> None:
        """The password that this call has given a user (`/access/users`, `/access/password`)."""
        given = _object(request.get("params"))
        if path in {"/access/users", "/access/password"} and request["method"] != "GET" and given.get("password"):
            self._passwords[str(given.get("userid"))] = str(given["password"])

    def _headers(self, user: str) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={urllib.parse.quote(self._login(user)[0])}"}

    def _send(self, record: dict[str, Any]) -> tuple[int, str, Any]:
        request = record["request"]
        target, headers, body = request["path"], hooks.headers(record), None
        for old, new in self._upids.items():
            target = target.replace(old, new).replace(
                urllib.parse.quote(old, safe=""), urllib.parse.quote(new, safe="")
            )
        parameters = self._parameters(record)
        encoding = request.get("enc")
        if encoding == "query" or ("query" in request and encoding != "form"):
            target += "?" + urllib.parse.urlencode(parameters or {})
        elif request.get("query"):
            target += "?" + request["query"]
        elif encoding == "json":
            body = json.dumps(parameters).encode()
        elif encoding == "form":
            body = urllib.parse.urlencode(parameters or {}).encode()
        if "body" in request:
            body = request["body"].encode()
        if request.get("content_type") and "Content-Type" not in headers:
            headers["Content-Type"] = request["content_type"]
        upload = hooks.upload(record)
        if upload is not None:
            body = upload
        self._authorize(record, headers)
        return self._exchange(request["method"], target, body, headers)

    def _parameters(self, record: dict[str, Any]) -> dict[str, Any] | None:
        parameters = record["request"].get("params")
        if parameters and str(parameters.get("password", "")).startswith("PVE:"):
            return {**parameters, "password": self._login(parameters["username"])[0]}
        return parameters

    def _authorize(self, record: dict[str, Any], headers: dict[str, str]) -> None:
        who = record.get("auth")
        if who is None or "Authorization" in headers:
            return
        if "!" in who:
            wrong = record["response"]["reason"] == "invalid token value!"
            headers["Authorization"] = f"PVEAPIToken={who}={'0' * 8 if wrong else TOKEN_SECRET}"
            return
        user = who if "@" in who else "root@pam"
        ticket, csrf = self._login(user)
        ticket = {"badsig": ticket[:-6] + "AAAAAA", "garbage": "garbage"}.get(who, ticket)
        headers["Cookie"] = f"{COOKIE}={urllib.parse.quote(ticket)}"
        if record["request"].get("csrf_header"):
            headers["CSRFPreventionToken"] = "nonsense" if who == "badcsrf" else csrf

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, Any]:
        connection = self._world.connect()
        try:
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise NotReplayedError(f"{method} {target}: no answer: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        try:
            return answer.status, answer.reason, json.loads(text)
        except ValueError:
            return answer.status, answer.reason, None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
