"""A running QEMU asked through QMP, its machine protocol, on the machine's own socket (QEMU's qmp-spec)."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from qemu.qmp import EventListener, QMPClient, QMPError

from rocmox.errors import MachineError

ANSWER_SECONDS = 180
"""The longest that one request may take: a snapshot of a busy machine with its memory is the slowest."""
_ENDED = "concluded"


def execute(socket: Path, command: str, **arguments: Any) -> None:
    """One command, done when it returns; MachineError with QEMU's words when it refuses or does not run."""

    async def ask(client: QMPClient) -> None:
        await client.execute(command, arguments or None)

    _talk(socket, command, ask)


def run_job(socket: Path, command: str, **arguments: Any) -> None:
    """A command that QEMU works on in the background (qapi/job.json), waited for until it has ended.

    Its end is an event, so nothing is asked again and again; MachineError with the job's own error.
    """
    job = f"rocmox-{uuid.uuid4().hex}"

    async def ask(client: QMPClient) -> None:
        with client.listener("JOB_STATUS_CHANGE") as events:
            await client.execute(command, {"job-id": job, **arguments})
            await _until_ended(events, job)
            jobs: Any = await client.execute("query-jobs")
            await client.execute("job-dismiss", {"id": job})
        error = next(each.get("error", "") for each in jobs if each["id"] == job)
        if error:
            room = f"`df {socket.parent}` and `qemu-img snapshot -U -l` of the disk there show room and snapshots."
            raise MachineError(f"QEMU's {command}: {error}", remedy=room)

    _talk(socket, command, ask)


async def _until_ended(events: EventListener, job: str) -> None:
    async for event in events:
        data: Any = event["data"]
        if (data["id"], data["status"]) == (job, _ENDED):
            return
    raise MachineError(f"QEMU ended during its job {job}")


def _talk(socket: Path, command: str, ask: Callable[[QMPClient], Coroutine[Any, Any, None]]) -> None:
    async def conversation() -> None:
        client = QMPClient("rocmox")
        await client.connect(str(socket))
        try:
            await ask(client)
        finally:
            await client.disconnect()

    try:
        asyncio.run(asyncio.wait_for(conversation(), ANSWER_SECONDS))
    except TimeoutError as error:
        said = f"QEMU at {socket} has not answered {command} within {ANSWER_SECONDS} s"
        raise MachineError(said, remedy=_remedy(socket)) from error
    except (QMPError, OSError, EOFError) as error:
        raise MachineError(f"QEMU at {socket} refused {command}: {error}", remedy=_remedy(socket)) from error


def _remedy(socket: Path) -> str:
    return f"`rocmox lab machine up --name {socket.parent.name}` starts the machine; see console.log beside the socket."
