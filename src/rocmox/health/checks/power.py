"""A card's power limit is what its VBIOS sets, and the card keeps to it.

`power1_cap` may be lowered on purpose; far below the VBIOS's own value it costs most of the speed, so it is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.hwmon import Sensors, read_sensors
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judge_awake
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_MUCH_LOWER = 0.6
_OVER = 1.25  # short peaks above the limit are ordinary: 187 W at a limit of 186 W is not a fault
_MICRO = 1_000_000
report = Reporter("power")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    return judge_awake(context, report, _judge, asleep=", and so do its sensors")


def _judge(gpu: Gpu, context: Context) -> Result:
    sensors = context.read(read_sensors, gpu.pci_address)
    cap, own, now = sensors.power_cap_microwatts, sensors.power_cap_default_microwatts, sensors.power_microwatts
    evidence = _evidence(gpu, sensors)
    if not cap:
        return report.not_applicable(gpu.pci_address, "the card's hwmon shows no power limit", evidence)
    limit = f"{cap / _MICRO:g} W"
    if now is not None and now > cap * _OVER:
        return report.warn(
            "POWER_OVER_LIMIT",
            gpu.pci_address,
            f"it draws {now / _MICRO:g} W, and its limit is {limit}",
            evidence,
            remedy="Look at the power supply and the cables; a reading this far above the limit is a fault of the card "
            "or of its power controller. Reboot, and compare `rocm-smi -P`.",
        )
    if own and cap < own * _MUCH_LOWER:
        remedy = f"If nobody lowered it on purpose: `echo {own} > {device_file(gpu, 'hwmon')}/hwmon*/power1_cap`."
        what = f"limited to {limit}, and its VBIOS sets {own / _MICRO:g} W: the card is much slower for it"
        return report.warn("POWER_LIMIT_LOW", gpu.pci_address, what, evidence, remedy=remedy)
    draws = "" if now is None else f", drawing {now / _MICRO:g} W"
    return report.passed("POWER_OK", gpu.pci_address, f"limit {limit}{draws}", evidence)


def _evidence(gpu: Gpu, sensors: Sensors) -> list[Evidence]:
    values = {
        "power1_cap": sensors.power_cap_microwatts,
        "power1_cap_default": sensors.power_cap_default_microwatts,
        "power1_cap_max": sensors.power_cap_max_microwatts,
        "power1_average": sensors.power_microwatts,
    }
    return [seen(device_file(gpu, f"hwmon/{name}"), value) for name, value in values.items() if value is not None]
