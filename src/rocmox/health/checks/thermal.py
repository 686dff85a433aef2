"""No sensor of a card is near the temperature at which it slows down or the driver switches the whole machine off.

amdgpu shuts the node down at a critical temperature ("System is going to shutdown due to GPU SW CTF"), so the warning
comes ten degrees before it (amdgpu_pm.c: tempN_crit, tempN_emergency).
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.hwmon import TemperatureSensor, read_sensors
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judge_awake
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_MARGIN_MILLICELSIUS = 10_000
_COOL = "Give the card more air (a passive one needs a fan that blows through it) and clean its heat sink."
report = Reporter("thermal")


def run(context: Context) -> Iterator[Result]:
    """One result for each card, by its hottest sensor."""
    return judge_awake(context, report, _judge, asleep=", and so do its sensors")


def _judge(gpu: Gpu, context: Context) -> Result:
    sensors = context.read(read_sensors, gpu.pci_address)
    limited = [sensor for sensor in sensors.temperatures if sensor.critical_millicelsius]
    if not limited and gpu.is_integrated:
        return report.not_applicable(gpu.pci_address, "an integrated GPU has no limit of its own")
    if not limited:
        refused = "; ".join(f"{name}: {why}" for name, why in list(sensors.unreadable.items())[:3])
        why = refused or "the card's hwmon shows no temperature with a limit"
        return report.unknown("THERMAL_NO_SENSOR", gpu.pci_address, why)
    evidence = [_evidence(gpu, sensor) for sensor in sensors.temperatures]
    worst = min(limited, key=_margin)
    critical = (worst.critical_millicelsius or 0) / 1000
    now = f"{worst.label} is at {worst.millicelsius / 1000:g} °C, critical at {critical:g} °C"
    if worst.emergency_millicelsius and worst.millicelsius >= worst.emergency_millicelsius:
        stop = f"Stop the load now: the driver is about to switch the node off. {_COOL}"
        return report.crit("THERMAL_EMERGENCY", gpu.pci_address, now, evidence, remedy=stop)
    if _margin(worst) <= 0:
        stop = f"Stop the load now, before the driver switches the node off. {_COOL}"
        return report.crit("THERMAL_CRITICAL", gpu.pci_address, now, evidence, remedy=stop)
    if _margin(worst) <= _MARGIN_MILLICELSIUS:
        return report.warn("THERMAL_HOT", gpu.pci_address, now, evidence, remedy=_COOL)
    return report.passed("THERMAL_OK", gpu.pci_address, now, evidence)


def _margin(sensor: TemperatureSensor) -> int:
    return (sensor.critical_millicelsius or 0) - sensor.millicelsius


def _evidence(gpu: Gpu, sensor: TemperatureSensor) -> Evidence:
    limit = f", critical {sensor.critical_millicelsius}" if sensor.critical_millicelsius else ""
    return seen(device_file(gpu, "hwmon"), f"{sensor.label} {sensor.millicelsius} m°C{limit}")
