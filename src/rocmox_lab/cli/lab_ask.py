"""`rocmox lab ask QUESTION`: one question through the chat page, the streamed answer, and where to go on."""

from __future__ import annotations

import sys

from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox_lab.ask import ADMIN_EMAIL, admin_password, chat_url, first_model, sign_in_to_lab
from rocmox_lab.state import read_state


def ask(machine: Machine, name: str, question: str) -> int:
    """Print the answer on stdout as it comes; the rest goes to stderr."""
    state = read_state(name)
    if state is None:
        raise CannotLookError(f"no lab named {name} is up", remedy="`make lab` starts it and fills it.")
    page = sign_in_to_lab(machine, state)
    model = first_model(page)
    print(f"{model} is asked: {question}", file=sys.stderr)
    answer = ""
    for piece in page.stream(model, question):
        print(piece, end="", flush=True)
        answer += piece
    print()
    if not answer.strip():
        print(f"{model} answered nothing", file=sys.stderr)
        return FAIL
    print(
        f"\nChat page      {chat_url(state)}\n"
        f"  sign in as   {ADMIN_EMAIL} with {admin_password(machine, state)}\n"
        f"Proxmox VE API {state.api_url}\n"
        f"  root@pam's password is in {state.root_password_file}\n"
        f"Node           ssh -i {state.ssh_private_key} -o UserKnownHostsFile={state.known_hosts} "
        f"root@{state.node_address}",
        file=sys.stderr,
    )
    return PASS
