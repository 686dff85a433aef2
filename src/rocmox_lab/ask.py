"""Ask the model a question the way a person does: sign in to Open WebUI, choose a model, read the streamed answer."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox_lab.node import run_in_node
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState

ADMIN_EMAIL = "admin@chat.internal"
_CHAT_VMID = 102
_CHAT_PORT = 8080

_REMEDY = "See `journalctl -u open-webui` in the guest of the chat page; playbooks/open_webui.yml mends its settings."


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChatPage:
    """One Open WebUI (its HTTP API, `/docs` in its development mode); `token` is that of a signed-in account."""

    url: str
    token: str = ""
    timeout_seconds: float = 120

    def sign_in(self, email: str, password: str) -> ChatPage:
        """The same page, signed in."""
        answer = self.call("/api/v1/auths/signin", {"email": email, "password": password})
        return dataclasses.replace(self, token=str(answer["token"]))

    def models(self) -> tuple[str, ...]:
        """Identifiers of the models this account may use."""
        return tuple(str(model["id"]) for model in self.call("/api/models")["data"])

    def stream(self, model: str, question: str) -> Iterator[str]:
        """The answer's pieces as they arrive. CannotLookError when the model server fails on the way."""
        question_body = {"model": model, "stream": True, "messages": [{"role": "user", "content": question}]}
        with self._open("/api/chat/completions", question_body) as answer:
            for line in answer:
                yield from pieces(line.decode(errors="replace"), source=self.url)

    def call(self, path: str, body: object = None) -> Any:
        """The JSON that the page's API answers; a body makes it a POST."""
        with self._open(path, body) as answer:
            try:
                return json.load(answer)
            except ValueError as error:
                raise CannotLookError(
                    f"{self.url}{path} answers with something else than JSON", remedy=_REMEDY
                ) from error

    @contextlib.contextmanager
    def _open(self, path: str, body: object = None) -> Iterator[http.client.HTTPResponse]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        request = urllib.request.Request(self.url + path, data=data, headers=headers)  # noqa: S310 - http by design
        # No proxy: the page is a neighbour, and a proxy of the company does not reach it.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=self.timeout_seconds) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            detail = error.read(500).decode(errors="replace")
            raise CannotLookError(f"{self.url}{path} answers {error.code}: {detail}", remedy=_REMEDY) from error
        except OSError as error:
            raise CannotLookError(f"{self.url}{path} does not answer: {error}", remedy=_REMEDY) from error


def pieces(line: str, *, source: str) -> Iterator[str]:
    """The text in one line of a server-sent event stream (`data: {…}`); CannotLookError for an error in it."""
    if not line.startswith("data:") or line.split(":", 1)[1].strip() == "[DONE]":
        return
    event = json.loads(line.split(":", 1)[1])
    if event.get("error"):
        raise CannotLookError(f"{source}: the model server answers {event['error']}", remedy=_REMEDY)
    for choice in event.get("choices", []):
        delta = choice.get("delta", {})
        text = delta.get("content") or delta.get("reasoning_content")
        if text:
            yield str(text)


def first_model(page: ChatPage) -> str:
    """The first model the page lists; CannotLookError when it lists none."""
    models = page.models()
    if not models:
        raise CannotLookError(
            f"{page.url} lists no model",
            remedy="Check that llama-server runs in its guest (`systemctl status 'llama-server*'`), "
            "then run playbooks/open_webui.yml.",
        )
    return models[0]


def chat_url(state: LabState) -> str:
    """Where the lab's chat page is (inventory/lab gives its guest the address that ends in its VMID)."""
    return f"http://{state.node_address.rsplit('.', 1)[0]}.{_CHAT_VMID}:{_CHAT_PORT}"


def admin_password(machine: Machine, state: LabState) -> str:
    """The generated password, read as root through the lab's node; CommandError when the site is not finished."""
    argv = ["lxc-attach", "-n", str(_CHAT_VMID), "--", "cat", "/etc/open-webui/admin-password"]
    done = run_in_node(machine, LabPlaces(name=state.name), argv)
    return done.check(remedy="Run `ansible-playbook -i inventory/lab site.yml` first.").stdout.strip()


def sign_in_to_lab(machine: Machine, state: LabState) -> ChatPage:
    """The lab's chat page with its administrator signed in."""
    return ChatPage(url=chat_url(state)).sign_in(ADMIN_EMAIL, admin_password(machine, state))
