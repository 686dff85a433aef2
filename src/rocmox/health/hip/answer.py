"""One job of the HIP probe on a machine, and its answer with types."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.health.probes.assembly import run_assembled
from rocmox.machine import Machine

# Each after those it imports.
MODULES = (
    "hip_library",
    "limited",
    "patterns",
    "device_buffers",
    "peer_copies",
    "peer_crowd",
    "queue_rounds",
    "hip",
)
OUT_OF_MEMORY = "hipErrorOutOfMemory"
NO_DEVICE = "hipErrorNoDevice"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """How a child ended ("done", "exit", "signal", "timeout", "stuck") and what it said until then, in order."""

    end: str
    detail: str
    stderr: str
    seconds: float
    said: tuple[dict[str, Any], ...]

    @classmethod
    def from_probe(cls, answer: dict[str, Any]) -> Answer:
        """Reads what `probes/hip.py` printed; CannotLookError for anything else."""
        try:
            return cls(
                end=answer["end"],
                detail=str(answer.get("signal") or answer.get("exit_status") or ""),
                stderr=answer["stderr"],
                seconds=answer["seconds"],
                said=tuple({**entry} for entry in answer["said"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CannotLookError(f"the probe of libamdhip64 answered something else: {str(answer)[:200]}") from error

    def all(self, key: str) -> list[dict[str, Any]]:
        """Everything it said under this key."""
        return [entry for entry in self.said if key in entry]

    def last(self, key: str) -> Any:
        """The last thing it said under this key, None when it said nothing."""
        return next((entry[key] for entry in reversed(self.said) if key in entry), None)

    @property
    def during(self) -> str:
        """What it was about when it ended."""
        return str(self.last("doing") or "its start")

    @property
    def error_name(self) -> str | None:
        """The name of the error that a call returned, None when none did."""
        error = self.last("error")
        return str(error["name"]) if error else None

    @property
    def was_killed(self) -> bool:
        """Whether somebody else sent SIGKILL: most often the kernel, short of memory."""
        return self.end == "signal" and self.detail == "SIGKILL"

    @property
    def in_words(self) -> str:
        """How it ended, for people."""
        words = {
            "done": "ended",
            "exit": f"ended with status {self.detail}",
            "signal": f"died of {self.detail}",
            "timeout": "gave no answer in time and was killed",
            "stuck": "does not even die of SIGKILL: it waits in the kernel",
        }
        return f"{words[self.end]} during {self.during}" + (f" ({self.stderr})" if self.stderr else "")


def ask(machine: Machine, question: dict[str, Any], *, limit_seconds: float) -> Answer:
    """The answer; CannotLookError when the probe itself cannot run there.

    `ROCMOX_HIP_LIBRARY` names a path on the machine under test.
    """
    library = os.environ.get("ROCMOX_HIP_LIBRARY") or None
    full = {**question, "library": library}
    return Answer.from_probe(run_assembled(machine, MODULES, full, limit_seconds=limit_seconds))
