"""Many pairs at the same time, each copy compared: what works alone may break in a crowd. Travels as well."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.health.probes.device_buffers import Buffer, Stream, largest_that_fits
from rocmox.health.probes.hip_library import Hip
from rocmox.health.probes.limited import Say
from rocmox.health.probes.patterns import Linear, Pool
from rocmox.health.probes.peer_copies import ask_access


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Member:
    source: Buffer
    destination: Buffer
    stream: Stream
    content: Linear


def try_crowd(hip: Hip, question: dict[str, Any], say: Say) -> None:
    """Says one `crowd` per pair of `question["pairs"]`, all copied at once by their sources."""
    pool = Pool(max(question["sizes"]))
    pairs = [tuple(pair) for pair in question["pairs"]]
    members = []
    for source, destination in pairs:
        ask_access(hip, source, destination, say)
        say({"doing": "hipMalloc"})
        buffers = largest_that_fits(hip, (source, destination), [(size, size) for size in reversed(question["sizes"])])
        content = pool.linear(buffers[0].length)
        buffers[0].fill(content, stale=False)
        buffers[1].fill(content, stale=True)
        members.append(_Member(source=buffers[0], destination=buffers[1], stream=Stream(hip, source), content=content))
    say({"doing": f"hipMemcpyPeerAsync on {len(members)} pairs at once"})
    for member in members:
        _start(hip, member)
    seconds = [member.stream.end() for member in members]
    for pair, member, taken in zip(pairs, members, seconds, strict=True):
        difference = member.destination.compare(member.content)
        kept = member.source.compare(member.content)
        say(
            {
                "crowd": pair,
                "bytes": member.content.length,
                "seconds": taken,
                "difference": (difference if difference.wrong else kept).as_answer(),
            }
        )


def _start(hip: Hip, member: _Member) -> None:
    member.stream.begin()
    addresses = (member.destination.address, member.destination.device, member.source.address, member.source.device)
    hip.call("hipMemcpyPeerAsync", *addresses, member.content.length, member.stream.handle)
