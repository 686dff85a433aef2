"""Which container holds which card, by the `devN` lines of the node."""

from __future__ import annotations

from collections.abc import Iterable

from rocmox.facts.container_config import ContainerConfig
from rocmox.gpu.card import Gpu


def containers_with(gpu: Gpu, containers: Iterable[ContainerConfig]) -> list[int]:
    """VMIDs of the containers to which the card's render or card node is passed."""
    paths = {gpu.render_path, gpu.card_path} - {None}
    return [config.vmid for config in containers if any(device.path in paths for device in config.devices)]
