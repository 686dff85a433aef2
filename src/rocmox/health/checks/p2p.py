"""What is copied from card to card arrives: every ordered pair, byte by byte (`rocmox p2p`).

A claim (`rocm-smi --showtopoaccess`, hipDeviceCanAccessPeer) proves nothing: on a real machine all pairs answered
yes, the copies returned success, and the destination was unchanged.
"""

from __future__ import annotations

from rocmox.health.context import Context
from rocmox.health.result import Result

LEVEL = 2


def run(context: Context) -> tuple[Result, ...]:
    """One result for each ordered pair, or one that says why there is none."""
    from rocmox.health.p2p.run import examine  # noqa: PLC0415 - level 1 must not pay for what it does not run

    return examine(context).results
