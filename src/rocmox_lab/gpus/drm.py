"""DRM minors: `drm/cardN` and `drm/renderDN` below the card, and their links in `/sys/class/drm` (drm_sysfs.c)."""

from __future__ import annotations

from rocmox_lab.gpus.nodes import DRM_MAJOR, FIRST_RENDER_MINOR
from rocmox_lab.gpus.pci import Function, write_function
from rocmox_lab.gpus.profiles import Profile
from rocmox_lab.gpus.tree import Tree


def write_drm(tree: Tree, profile: Profile, places: dict[str, str]) -> None:
    """Minors for the BMC's display, if the board has one, and for every card."""
    if profile.board.has_bmc_display:
        _write_minor(tree, _write_bmc(tree), "card0", 0, connectors=("VGA-1",), connected=True)
    for index, card in enumerate(profile.cards):
        number = profile.first_card_minor + index
        device = places[card.address]
        _write_minor(tree, device, f"card{number}", number, connectors=card.connectors)
        render = FIRST_RENDER_MINOR + index
        _write_minor(tree, device, f"renderD{render}", render)
        tree.link(f"/sys/kernel/debug/dri/{card.address}", f"/sys/kernel/debug/dri/{number}")
    if places or profile.board.has_bmc_display:
        tree.file("/sys/class/drm/version", "drm 1.1.0 20060810")


def _write_bmc(tree: Tree) -> str:
    """An ASPEED BMC behind its own bridge: a display, never an AMD card, and yet card0 (drivers/gpu/drm/ast)."""
    root_port = Function(
        parent="/sys/devices/pci0000:00",
        address="0000:00:1c.0",
        vendor=0x8086,
        device=0x8D10,
        pci_class=0x060400,
        driver="pcieport",
        iommu_group=1,
    )
    bridge = Function(
        parent=write_function(tree, root_port),
        address="0000:0a:00.0",
        vendor=0x1A03,
        device=0x1150,
        pci_class=0x060400,
        iommu_group=2,
    )
    display = Function(
        parent=write_function(tree, bridge),
        address="0000:0b:00.0",
        vendor=0x1A03,
        device=0x2000,
        pci_class=0x030000,
        subsystem=(0x1A03, 0x2000),
        revision=0x30,
        driver="ast",
        iommu_group=2,
    )
    path = write_function(tree, display)
    tree.file(f"{path}/boot_vga", "1")
    return path


def _write_minor(
    tree: Tree, device: str, name: str, minor: int, *, connectors: tuple[str, ...] = (), connected: bool = False
) -> None:
    path = f"{device}/drm/{name}"
    tree.file(f"{path}/dev", f"{DRM_MAJOR}:{minor}")
    tree.file(f"{path}/uevent", f"MAJOR={DRM_MAJOR}\nMINOR={minor}\nDEVNAME=dri/{name}\nDEVTYPE=drm_minor")
    tree.link(f"{path}/device", device)
    tree.link(f"{path}/subsystem", "/sys/class/drm")
    tree.link(f"/sys/class/drm/{name}", path)
    tree.link(f"/sys/dev/char/{DRM_MAJOR}:{minor}", path)
    for connector in connectors:
        place = f"{path}/{name}-{connector}"
        tree.files(
            place,
            {
                "status": "connected" if connected else "disconnected",
                "enabled": "enabled" if connected else "disabled",
                "dpms": "On" if connected else "Off",
                "modes": "1024x768" if connected else "",
            },
        )
        tree.link(f"/sys/class/drm/{name}-{connector}", place)
