"""Variations of the kernel around the cards: options, parameters, driver, IOMMU."""

from __future__ import annotations

from rocmox_lab.gpus.tree_view import NODES, TreeView

_PARAMETER = "/sys/module/amdgpu/parameters/pcie_p2p"
_VERSION = "/sys/module/amdgpu/version"
_DKMS = "6.8.5"


def _parameter_off(view: TreeView, card: int) -> None:  # noqa: ARG001 - the whole machine
    view.changes.write(_PARAMETER, "N")
    view.drop_links()


def _not_built(view: TreeView, card: int) -> None:  # noqa: ARG001
    view.changes.remove(_PARAMETER)
    release = view.changes.read("/proc/sys/kernel/osrelease")
    view.changes.replace(f"/boot/config-{release}", "CONFIG_HSA_AMD_P2P=y", "# CONFIG_HSA_AMD_P2P is not set")
    view.drop_links()


def _translating(view: TreeView, card: int) -> None:  # noqa: ARG001
    for number in range(len(view.cards)):
        group = view.changes.resolve(view.device(number, "iommu_group"))
        view.changes.write(f"{group}/type", "DMA-FQ")
    view.changes.replace("/proc/cmdline", "iommu=pt", "")


def _dkms(view: TreeView, card: int) -> None:  # noqa: ARG001
    view.changes.write(_VERSION, _DKMS)


def _dkms_translating(view: TreeView, card: int) -> None:
    _dkms(view, card)
    _translating(view, card)


def _unbound(view: TreeView, card: int) -> None:
    view.changes.remove(view.device(card, "driver"))
    for kind in ("renderD", "card"):
        view.changes.remove(view.minor(card, kind))
    view.changes.write(f"{NODES}/{card + 1}/properties", view.changes.read(f"{NODES}/0/properties"))


def _no_render(view: TreeView, card: int) -> None:
    view.changes.remove(view.minor(card, "renderD"))


def _no_kfd(view: TreeView, card: int) -> None:
    view.changes.write(f"{NODES}/{card + 1}/properties", view.changes.read(f"{NODES}/0/properties"))


VARIATIONS = {
    "p2p-off": ("amdgpu.pcie_p2p=0", _parameter_off, ("PCIE_P2P_OFF", "P2P_LINKS_NONE")),
    "p2p-not-built": (
        "a kernel without CONFIG_HSA_AMD_P2P",
        _not_built,
        ("PCIE_P2P_NOT_BUILT", "KERNEL_CONFIG_NO_P2P", "P2P_LINKS_NONE"),
    ),
    "iommu-translating": ("an IOMMU that translates", _translating, ("IOMMU_TRANSLATES",)),
    "dkms-legacy": ("amdgpu-dkms on its legacy path", _dkms, ("DKMS_LEGACY_UNCHECKED",)),
    "dkms-translating": (
        "the legacy path behind a translating IOMMU",
        _dkms_translating,
        ("DKMS_LEGACY_TRANSLATED", "IOMMU_TRANSLATES"),
    ),
    "no-driver": ("no driver is bound to a card", _unbound, ("DRIVER_NOT_BOUND",)),
    "no-render-node": ("amdgpu made no render node", _no_render, ("DRIVER_NO_RENDER_NODE",)),
    "no-kfd-node": ("KFD did not accept a card", _no_kfd, ("DRIVER_NO_KFD_NODE",)),
}
