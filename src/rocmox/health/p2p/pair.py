"""One ordered pair of cards: what is known of it before the test, and what the test found."""

from __future__ import annotations

import dataclasses

from rocmox.facts.pci import Link
from rocmox.gpu.card import Gpu
from rocmox.gpu.peers import Peer
from rocmox.health.result import Evidence, Result, Verdict

CHECK = "p2p"

# PCIe base specification: 8b/10b up to 5 GT/s, 128b/130b from 8 GT/s on (flits from 64 GT/s on cost about as much).
_OLD_CODE, _NEW_CODE = 8 / 10, 128 / 130
_FIRST_NEW_GTS = 8.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Addresses; device numbers where HIP knows them; the cards and the driver's claim where sysfs knows them."""

    source: str
    destination: str
    source_device: int | None = None
    destination_device: int | None = None
    source_gpu: Gpu | None = None
    destination_gpu: Gpu | None = None
    peer: Peer | None = None

    @property
    def name(self) -> str:
        """`0000:03:00.0 -> 0000:06:00.0`."""
        return f"{self.source} -> {self.destination}"

    @property
    def theory_bytes_per_second(self) -> float | None:
        """What the slower of both cards' PCIe links carries in one direction; None when unknown, or joined by XGMI."""
        if self.peer is not None and self.peer.is_xgmi:
            return None
        links = [gpu.link for gpu in (self.source_gpu, self.destination_gpu) if gpu is not None and gpu.link]
        return min(map(link_bytes_per_second, links)) if len(links) == 2 else None  # noqa: PLR2004 - a pair


@dataclasses.dataclass(frozen=True, kw_only=True)
class PairVerdict:
    """The verdict on a pair. Rates are of the largest copy; `largest_bytes` is what was tested, None when nothing."""

    pair: Pair
    verdict: Verdict
    code: str
    summary: str
    remedy: str = ""
    evidence: tuple[Evidence, ...] = ()
    bytes_per_second: float | None = None
    latency_seconds: float | None = None
    largest_bytes: int | None = None
    damage: str | None = None

    @property
    def result(self) -> Result:
        """The same in the model of all checks."""
        return Result(
            check=CHECK,
            code=self.code,
            verdict=self.verdict,
            subject=self.pair.name,
            summary=self.summary,
            evidence=self.evidence,
            remedy=self.remedy,
        )


def link_bytes_per_second(link: Link) -> float:
    """15.75e9 for a trained link of 8 GT/s x16: transfers of one bit per lane, less the line code."""
    code = _NEW_CODE if link.speed_gts >= _FIRST_NEW_GTS else _OLD_CODE
    return link.speed_gts * 1e9 * link.width * code / 8
