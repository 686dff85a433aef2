"""PCI device ids of AMD cards that compute: what they are called and which architecture they have (pci.ids).

One id may stand for several cards: 66a1 is MI50 and, flashed, Radeon Pro VII; what the card is shows in its evidence.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A name for people and the architecture that compilers want."""

    name: str
    architecture: str


_MODELS = {
    "6860": Model(name="Instinct MI25", architecture="gfx900"),
    "687f": Model(name="Radeon RX Vega", architecture="gfx900"),
    "66a0": Model(name="Instinct MI50/MI60 (Vega 20)", architecture="gfx906"),
    "66a1": Model(name="Instinct MI50 / Radeon Pro VII (Vega 20)", architecture="gfx906"),
    "66a3": Model(name="Radeon Pro Vega II (Vega 20)", architecture="gfx906"),
    "66af": Model(name="Radeon VII (Vega 20)", architecture="gfx906"),
    "738c": Model(name="Instinct MI100", architecture="gfx908"),
    "738e": Model(name="Instinct MI100", architecture="gfx908"),
    "740c": Model(name="Instinct MI250X", architecture="gfx90a"),
    "740f": Model(name="Instinct MI210", architecture="gfx90a"),
    "73a1": Model(name="Radeon Pro V620", architecture="gfx1030"),
    "73a3": Model(name="Radeon PRO W6800", architecture="gfx1030"),
    "73bf": Model(name="Radeon RX 6800/6900 XT", architecture="gfx1030"),
    "7448": Model(name="Radeon PRO W7900", architecture="gfx1100"),
    "744a": Model(name="Radeon PRO W7900 Dual Slot", architecture="gfx1100"),
    "744c": Model(name="Radeon RX 7900 XT/XTX/GRE", architecture="gfx1100"),
    "745e": Model(name="Radeon PRO W7800", architecture="gfx1100"),
    "74a1": Model(name="Instinct MI300X", architecture="gfx942"),
    "7551": Model(name="Radeon AI PRO R9700", architecture="gfx1201"),
}


def model_of(device_id: str) -> Model | None:
    """The model of a PCI device id in four hexadecimal digits, None when this table does not know it."""
    return _MODELS.get(device_id)
