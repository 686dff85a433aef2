"""Files that lead a check to a verdict: each edit changes a constructed machine."""

import struct
from collections.abc import Callable

from rocmox_lab.gpus.metrics import idle_metrics
from rocmox_lab.gpus.tree_view import TreeView

Edit = Callable[[TreeView], None]
DKMS = "/usr/src/amdgpu-6.8.5-2041575.24.04/amd/dkms/Kbuild"
VERSION = "/sys/module/amdgpu/version"


def on_device(name: str, content: str | bytes | None) -> Edit:
    def edit(view: TreeView) -> None:
        if content is None:
            view.changes.remove(view.device(0, name))
        else:
            view.changes.write(view.device(0, name), content)

    return edit


def on_sensor(**values: str) -> Edit:
    def edit(view: TreeView) -> None:
        for name, value in values.items():
            view.changes.write(view.hwmon(0, name), value)

    return edit


def files(**contents: str) -> Edit:
    def edit(view: TreeView) -> None:
        for path, content in contents.items():
            view.changes.write(path, content)

    return edit


def written(path: str, content: str) -> Edit:
    return files(**{path: content})


def no_sensors(view: TreeView) -> None:
    for name in view.changes.names(view.device(0, "hwmon/hwmon2")):
        if name.startswith("temp"):
            view.changes.remove(view.hwmon(0, name))


def no_hwmon(view: TreeView) -> None:
    view.changes.remove(view.device(0, "hwmon"))


def throttled(bits: int, *, revision: tuple[int, int] = (1, 3), hotspot: int = 37) -> bytes:
    content = bytearray(idle_metrics(revision=revision, watts=18, celsius=36, link_width=16, link_tenths_gts=160))
    if revision == (1, 3):
        struct.pack_into("<H", content, 6, hotspot)
        struct.pack_into("<Q", content, 112, bits)
    return bytes(content)


def unnamed_bits() -> bytes:
    content = bytearray(104)
    struct.pack_into("<HBB", content, 0, 104, 1, 2)
    struct.pack_into("<I", content, 68, 1 << 5)
    return bytes(content)


def no_p2p_folders(view: TreeView) -> None:
    """KFD before Linux 6.0: no `p2p_links_count` and no directory."""
    for card in range(len(view.cards)):
        view.changes.remove(view.node(card, "p2p_links"))
        path = view.node(card, "properties")
        lines = [line for line in view.changes.read(path).splitlines() if not line.startswith("p2p_links_count")]
        view.changes.write(path, "\n".join(lines))


def no_kfd(view: TreeView) -> None:
    view.changes.remove("/sys/class/kfd/kfd")


def dkms(*, fixed: bool | None, claims: bool = True) -> Edit:
    def edit(view: TreeView) -> None:
        view.changes.write(VERSION, "6.8.5")
        if fixed is not None:
            view.changes.write(DKMS, f"ifdef CONFIG_DMABUF_MOVE{'_' if fixed else ''}NOTIFY")
        if not claims:
            view.drop_links()

    return edit


def resting(view: TreeView) -> None:
    port = view.bridges(0)[0]
    view.changes.write(view.function(port, "current_link_speed"), "2.5 GT/s PCIe")


def no_links_reported(view: TreeView) -> None:
    for address in (*view.bridges(0), view.cards[0]):
        view.changes.write(view.function(address, "current_link_speed"), "Unknown")


def translated(view: TreeView) -> None:
    group = view.changes.resolve(view.device(0, "iommu_group"))
    view.changes.write(f"{group}/type", "DMA-FQ")


def far_but_translated(view: TreeView) -> None:
    for card in range(len(view.cards)):
        group = view.changes.resolve(view.device(card, "iommu_group"))
        view.changes.write(f"{group}/type", "DMA")
    view.changes.write(view.device(0, "resource"), "0x0000380000000000 0x00003803ffffffff 0x000000000014220c")


def strange_group(view: TreeView) -> None:
    group = view.changes.resolve(view.device(0, "iommu_group"))
    view.changes.write(f"{group}/type", "sideways")


def hidden_capabilities(view: TreeView) -> None:
    for card in range(len(view.cards)):
        for port in view.bridges(card):
            path = view.function(port, "config")
            view.changes.write(path, view.changes.read_bytes(path)[:64])


def rocblas(*architectures: str) -> Edit:
    def edit(view: TreeView) -> None:
        for name in architectures:
            view.changes.write(f"/opt/rocm-6.2.4/lib/rocblas/library/TensileLibrary_lazy_{name}.dat", "")

    return edit


def unknown_architecture(view: TreeView) -> None:
    rocblas("gfx906")(view)
    view.changes.write(view.device(0, "device"), "0x1234")
    no_kfd(view)


def rocm(version: str, driver: str | None) -> Edit:
    def edit(view: TreeView) -> None:
        view.changes.write("/opt/rocm/.info/version", version)
        if driver:
            view.changes.write(VERSION, driver)

    return edit


def no_config(view: TreeView) -> None:
    view.changes.remove("/boot")


def other_vram(view: TreeView) -> None:
    view.changes.write(view.device(0, "mem_info_vram_total"), str(24 << 30))


def ras_unreadable(view: TreeView) -> None:
    for name in view.changes.names(view.device(0, "ras")):
        view.changes.write(view.device(0, f"ras/{name}"), "nonsense")


def plx(view: TreeView) -> None:
    content = bytearray(view.changes.read_bytes(view.device(0, "gpu_metrics")))
    struct.pack_into("<I", content, 68, 1 << 9)
    view.changes.write(view.device(0, "gpu_metrics"), bytes(content))


def no_firmware(view: TreeView) -> None:
    view.changes.remove(view.device(0, "fw_version"))
    view.changes.remove("/sys/kernel/debug")


def neither_direction(view: TreeView) -> None:
    view.drop_links(source=0, destination=1)
    view.drop_links(source=1, destination=0)


# A machine in order: what each check says of it.
