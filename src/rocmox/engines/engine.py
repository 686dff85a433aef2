"""What an engine is: a program that serves models, in a room of its own below this package.

What it serves, where, and how it is asked whether it is ready stands in the descriptor that its role writes for every
served model (`facts/served.py`); health, kernel upgrade, benchmark and Open WebUI read nothing else. The rest is here:
how it is measured, what memory a model takes, and how that memory comes free when nobody asks.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Sequence
from typing import Protocol

from rocmox.bench.measurement import DEFAULT_UBATCH
from rocmox.bench.store import Run
from rocmox.machine import Machine

Tell = Callable[[str], None]
"""Told one line about progress."""


class Idle(enum.Enum):
    """How the memory of a model that nobody asks comes free."""

    STOP_UNIT = "its unit is stopped by hand or by a timer; the model stays resident until then"
    SLEEPS = "it unloads the model by itself and loads it again at the next request"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasurementPlan:
    """What to measure: every split mode with every depth and every number of sequences at once.

    `programs` is the folder of the engine's programs. `threads` None leaves them to the engine; `rpc` are servers as
    HOST:PORT whose devices compute too; `wrapper` are words before each command, such as those of `flock`.
    """

    model: str
    programs: str
    split_modes: tuple[str, ...]
    parallel: tuple[int, ...]
    depths_tokens: tuple[int, ...]
    prompt_tokens: int = 512
    generate_tokens: int = 128
    batched_prompt_tokens: int = 256
    repetitions: int = 5
    batched_repetitions: int = 3
    gpu_layers: int = 999
    ubatch: int = DEFAULT_UBATCH
    flash_attention: str = "off"
    threads: int | None = None
    rpc: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()


class MemoryAnswer(Protocol):
    """Whether a model fits the cards; an engine's own answer says more."""

    @property
    def fits(self) -> bool:
        """Whether it loads and answers."""

    @property
    def max_context(self) -> int:
        """The largest context that fits, in tokens."""


class Engine(Protocol):
    """`name` is the one of descriptors and of the variable `engine`; `title` is how people call it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def idle(self) -> Idle: ...

    def measure(self, plan: MeasurementPlan, machine: Machine, *, tell: Tell, timeout_seconds: float) -> Run:
        """Run its benches; UsageError without its programs, CannotLookError when nothing could be measured."""

    def plan_memory(self, model: str, options: Sequence[str], *, cards: str, machine: str) -> MemoryAnswer:
        """What a model takes on these cards (`--cards`), with options in the words of `rocmox fit`."""
