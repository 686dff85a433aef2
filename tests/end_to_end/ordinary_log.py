"""A long kernel log in which nothing is wrong with an AMD card: messages of many drivers, in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

MESSAGES = Path(__file__).parents[1] / "cases" / "kernel_log" / "ordinary.txt"
_BOOT_LINES = 100_000  # then the machine starts again


def ordinary_lines(seed: int) -> Iterator[str]:
    """For ever; every line is new in its numbers."""
    choice = random.Random(seed)  # noqa: S311 - a text, no secret
    boot, messages = (part.splitlines() for part in MESSAGES.read_text(encoding="utf-8").split("---\n"))
    uptime = 0.0
    for number in range(1 << 62):
        since_boot = number % _BOOT_LINES
        uptime = uptime + choice.random() if since_boot else 0.0
        message = boot[since_boot] if since_boot < len(boot) else choice.choice(messages)
        text = message.format(
            x=f"{choice.randrange(1 << 28):07x}",
            n=choice.randrange(1, 30_000),
            d=choice.randrange(1, 8),
            h=f"{choice.randrange(0x80, 0xF0):02x}",
        )
        clock = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
        yield f"May {1 + number // 1_000_000 % 28:2d} {clock} node kernel: [{uptime:12.6f}] {text}\n"


def write_ordinary_log(place: Path, size_bytes: int, *, seed: int = 1) -> None:
    """At least so long. A part of it is made anew, and repeated: making lines takes longer than reading them."""
    lines = ordinary_lines(seed)
    part = "".join(next(lines) for _ in range(200_000)).encode()
    with place.open("wb") as file:
        while file.tell() < size_bytes:
            file.write(part)
