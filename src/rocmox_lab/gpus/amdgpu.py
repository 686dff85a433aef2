"""What amdgpu adds to a card's PCI directory (amdgpu_pm.c, amdgpu_vram_mgr.c, amdgpu_ucode.c, amdgpu_ras.c)."""

from __future__ import annotations

from rocmox_lab.gpus.metrics import idle_metrics
from rocmox_lab.gpus.models import Model
from rocmox_lab.gpus.profiles import Card
from rocmox_lab.gpus.tree import Tree

_USED_BYTES = 10_862_592  # what an idle card holds for itself
_IDLE_CELSIUS = 34
_IDLE_WATTS = 18
_RAS_BLOCKS = ("umc", "sdma", "gfx", "mmhub", "athub", "pcie_bif", "hdp", "xgmi_wafl")


def write_amdgpu(tree: Tree, card: Card, device: str, *, hwmon: int, minor: int) -> None:
    """Everything the driver shows for one card below its PCI directory and in debugfs."""
    tree.files(device, _memory(card.model))
    tree.files(device, _identity(card))
    tree.files(device, _power(card.model))
    width, speed = card.slot_width, int(float(card.slot_speed.split()[0]) * 10)
    tree.file(
        f"{device}/gpu_metrics",
        idle_metrics(
            revision=card.model.metrics_revision,
            watts=_IDLE_WATTS,
            celsius=_IDLE_CELSIUS,
            link_width=width,
            link_tenths_gts=speed,
        ),
    )
    tree.files(f"{device}/fw_version", {f"{kind}_fw_version": f"0x{v:08x}" for kind, v in card.model.firmware.items()})
    if card.model.metrics_revision == (1, 0):  # Vega20 has ECC on its HBM2; Navi 31 keeps it off unless asked
        for block in _RAS_BLOCKS:
            tree.file(f"{device}/ras/{block}_err_count", "ue: 0\nce: 0")
        tree.file(f"{device}/ras/features", "feature mask: 0x7f")
    _write_hwmon(tree, card, f"{device}/hwmon/hwmon{hwmon}", device)
    tree.link(f"/sys/class/hwmon/hwmon{hwmon}", f"{device}/hwmon/hwmon{hwmon}")
    _write_firmware_info(tree, card, minor)


def _memory(model: Model) -> dict[str, str]:
    return {
        "mem_info_vram_total": str(model.vram_bytes),
        "mem_info_vram_used": str(_USED_BYTES),
        "mem_info_vis_vram_total": str(model.vram_bytes),
        "mem_info_vis_vram_used": str(_USED_BYTES),
        "mem_info_gtt_total": str(64 << 30),
        "mem_info_gtt_used": str(13 << 20),
        "mem_info_preempt_used": "0",
        "mem_info_vram_vendor": model.vram_vendor,
    }


def _identity(card: Card) -> dict[str, str]:
    return {
        "unique_id": f"{card.unique_id:016x}",
        "vbios_version": card.vbios,
        "product_name": "",
        "product_number": "",
        "serial_number": "",
        "thermal_throttling_logging": f"{card.address}: thermal throttling logging enabled, with interval 60 seconds",
    }


def _power(model: Model) -> dict[str, str]:
    return {
        "gpu_busy_percent": "0",
        "mem_busy_percent": "0",
        "pcie_bw": "0 0 256",
        "pcie_replay_count": "0",
        "power_dpm_force_performance_level": "auto",
        "power_dpm_state": "performance",
        "pp_dpm_mclk": f"0: 350Mhz *\n1: {model.memory_clock_mhz}Mhz ",
        "pp_dpm_pcie": "0: 2.5GT/s, x16 *\n1: 8.0GT/s, x16 ",
        "pp_dpm_sclk": f"0: 300Mhz *\n1: {model.engine_clock_mhz}Mhz ",
        "pp_dpm_socclk": "0: 309Mhz *\n1: 1000Mhz ",
    }


def _write_hwmon(tree: Tree, card: Card, path: str, device: str) -> None:
    values = {
        "name": "amdgpu",
        "freq1_input": "26000000",
        "freq1_label": "sclk",
        "freq2_input": "350000000",
        "freq2_label": "mclk",
        "in0_input": "737",
        "in0_label": "vddgfx",
        "power1_average": str(_IDLE_WATTS * 1_000_000),
        "power1_cap": str(card.power_cap_microwatts),
        "power1_cap_default": str(card.power_cap_microwatts),
        "power1_cap_max": str(max(card.model.power_cap_max_microwatts, card.power_cap_microwatts)),
        "power1_cap_min": "0",
        "power1_label": "PPT",
        "uevent": "",
    }
    sensors = zip(("edge", "junction", "mem"), card.model.critical_millicelsius, strict=True)
    for number, (label, critical) in enumerate(sensors, start=1):
        values[f"temp{number}_label"] = label
        values[f"temp{number}_input"] = str((_IDLE_CELSIUS + number - 1) * 1000)
        values[f"temp{number}_crit"] = str(critical)
        values[f"temp{number}_crit_hyst"] = "-273150"
        values[f"temp{number}_emergency"] = str(critical + 5000)
    if card.model.has_fan:
        values |= {"fan1_input": "800", "fan1_min": "0", "fan1_max": "4000", "pwm1": "51", "pwm1_enable": "2"}
    tree.files(path, values)
    tree.link(f"{path}/device", device)


def _write_firmware_info(tree: Tree, card: Card, minor: int) -> None:
    lines = [
        f"{kind.upper()} feature version: 0, firmware version: 0x{version:08x}"
        for kind, version in card.model.firmware.items()
        if not kind.startswith("ta_")
    ]
    lines.append(f"VBIOS version: {card.vbios}")
    tree.file(f"/sys/kernel/debug/dri/{minor}/amdgpu_firmware_info", "\n".join(lines))
    tree.file(f"/sys/kernel/debug/dri/{minor}/name", f"amdgpu dev={card.address} unique={card.address}")
