"""Variations of a card itself: heat, power, memory errors, firmware, identity, displays."""

from __future__ import annotations

import struct

from rocmox_lab.gpus.tree_view import TreeView

_WATT = 1_000_000
_NAVI_48 = 120001
_BAD_MES = "0x00000091"
_HOTSPOT_BIT_VEGA20, _HOTSPOT_BIT_INDEPENDENT = 2, 36


def _hot(view: TreeView, card: int) -> None:
    view.changes.write(view.hwmon(card, "temp2_input"), view.changes.read(view.hwmon(card, "temp2_crit")))


def _warm(view: TreeView, card: int) -> None:
    critical = int(view.changes.read(view.hwmon(card, "temp2_crit")))
    view.changes.write(view.hwmon(card, "temp2_input"), str(critical - 4000))


def _throttling(view: TreeView, card: int) -> None:
    """The hotspot at its limit, and the bit that says so: v1_0 and v1_3 differ in both places."""
    critical = int(view.changes.read(view.hwmon(card, "temp2_crit"))) // 1000
    path = view.device(card, "gpu_metrics")
    content = bytearray(view.changes.read_bytes(path))
    if content[3] == 0:
        struct.pack_into("<H", content, 18, critical)
        struct.pack_into("<I", content, 68, 1 << _HOTSPOT_BIT_VEGA20)
    else:
        struct.pack_into("<H", content, 6, critical)
        struct.pack_into("<Q", content, 112, 1 << _HOTSPOT_BIT_INDEPENDENT)
    view.changes.write(path, bytes(content))
    _hot(view, card)


def _power(view: TreeView, card: int) -> None:
    view.changes.write(view.hwmon(card, "power1_cap"), str(90 * _WATT))


def _uncorrectable(view: TreeView, card: int) -> None:
    view.changes.write(view.device(card, "ras/umc_err_count"), "ue: 2\nce: 5")


def _correctable(view: TreeView, card: int) -> None:
    view.changes.write(view.device(card, "ras/umc_err_count"), "ue: 0\nce: 7")


def _asleep(view: TreeView, card: int) -> None:
    for name in view.changes.names(view.device(card, "ras")):
        if name.endswith("_err_count"):
            view.changes.write(view.device(card, f"ras/{name}"), "ue: 1048560\nce: 1048560")


def _firmware(view: TreeView, card: int) -> None:
    """No bad firmware is known for these cards, so the card becomes one for which one is."""
    view.set_property(card, "gfx_target_version", _NAVI_48)
    view.changes.write(view.device(card, "fw_version/mes_fw_version"), _BAD_MES)


def _display(view: TreeView, card: int) -> None:
    minor = view.minor(card, "card")
    name = minor.rpartition("/")[2]
    view.changes.write(f"{minor}-DP-1/status", "connected")
    view.changes.write(view.device(card, f"drm/{name}/{name}-DP-1/status"), "connected")


def _fewer_units(view: TreeView, card: int) -> None:
    """A mining board under another label: fewer compute units, and no error correction."""
    view.set_property(card, "simd_count", 56 * view.property(card, "simd_per_cu"))
    view.changes.remove(view.device(card, "ras"))


def _other_image(view: TreeView, card: int) -> None:
    view.changes.write(view.device(card, "vbios_version"), "113-D1631711-100")


def _twin(view: TreeView, card: int) -> None:
    other = (card + 1) % len(view.cards)
    view.changes.write(view.device(card, "unique_id"), view.changes.read(view.device(other, "unique_id")))


VARIATIONS = {
    "hot": ("a card at its critical temperature", _hot, ("THERMAL_CRITICAL",)),
    "warm": ("a card four degrees below its critical temperature", _warm, ("THERMAL_HOT",)),
    "throttling": ("heat holds a card back", _throttling, ("THROTTLE_HEAT", "THERMAL_CRITICAL")),
    "power-low": ("a power limit of 90 W", _power, ("POWER_LIMIT_LOW",)),
    "ras-uncorrectable": ("memory errors that were not corrected", _uncorrectable, ("ECC_UNCORRECTABLE",)),
    "ras-correctable": ("memory errors that were corrected", _correctable, ("ECC_CORRECTABLE",)),
    "ras-asleep": ("a sleeping card's answer to a query of errors", _asleep, ("ECC_ASLEEP",)),
    "firmware-bad": ("a firmware that is known to be bad", _firmware, ("FIRMWARE_KNOWN_BAD",)),
    "display": ("a display is plugged in", _display, ("DISPLAY_ON_COMPUTE_CARD",)),
    "relabelled": (
        "a board with fewer units under an MI50's label",
        _fewer_units,
        ("IDENTITY_COMPUTE_UNITS", "IDENTITY_NO_ECC"),
    ),
    "other-image": (
        "the VBIOS of another card",
        _other_image,
        ("IDENTITY_VBIOS_LIMITED", "IDENTITY_VBIOS_OTHER_CARD"),
    ),
    "twin": ("two cards with one unique id", _twin, ("IDENTITY_SAME_UNIQUE_ID",)),
}
