"""The node's cards as `rocmox gpus --json` reports them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rocmox.errors import UsageError

if TYPE_CHECKING:
    from rocmox.gpu.card import Gpu

KFD = "/dev/kfd"
RENDER = "render"
VIDEO = "video"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeCard:
    """One AMD GPU of the node: its address, which never moves, and its device nodes, which may at every boot."""

    pci_address: str
    architecture: str | None
    card_path: str | None
    render_path: str | None

    @classmethod
    def from_report(cls, entry: Mapping[str, Any]) -> NodeCard:
        """One entry of `gpus` in `rocmox gpus --json`."""
        return cls(
            pci_address=str(entry["pci_address"]),
            architecture=entry["architecture"],
            card_path=entry["card_path"],
            render_path=entry["render_path"],
        )

    @classmethod
    def from_gpu(cls, gpu: Gpu) -> NodeCard:
        """A card as this very machine shows it."""
        return cls(
            pci_address=gpu.pci_address,
            architecture=gpu.architecture,
            card_path=gpu.card_path,
            render_path=gpu.render_path,
        )


def cards_from_report(text: str) -> tuple[NodeCard, ...]:
    """The cards in the output of `rocmox gpus --json`; a terminal may have mixed diagnostics around the document."""
    try:
        report, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        return tuple(NodeCard.from_report(entry) for entry in report["gpus"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"the list of cards is not what `rocmox gpus --json` prints ({error}): {text.strip()[-500:]}",
            remedy="Node and controller must run the same version of rocmox.",
        ) from error
