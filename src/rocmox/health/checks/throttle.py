"""What holds a card back now, decoded from `gpu_metrics`: heat is a fault, the power limit under load is ordinary.

MI50 and gfx11 never say in the kernel log that they throttle. RDNA 3 and 4 set TEMP_HOTSPOT for good, at 37 °C too
(ROCm/rocm-systems issue 11781), so a bit for heat counts only with a temperature near the limit beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.gpu_metrics import GpuMetrics, read_metrics
from rocmox.facts.hwmon import read_sensors
from rocmox.facts.throttle import is_thermal
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judge_awake
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
_NEAR_CELSIUS = 15
_USUAL_LIMIT_CELSIUS = 105
_USUAL_EDGE_CELSIUS = 100
_HARD = ("VRHOT", "PROCHOT", "TEMP_VR", "TEMP_PLX", "TEMP_LIQUID")
report = Reporter("throttle")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    return judge_awake(context, report, _judge, asleep=": nothing holds it back")


def _judge(gpu: Gpu, context: Context) -> Result:
    metrics = context.read(read_metrics, gpu.pci_address)
    form = f"v{metrics.revision[0]}_{metrics.revision[1]}"
    if metrics.throttlers is None and (metrics.throttle_status is None or gpu.is_integrated):
        return report.not_applicable(gpu.pci_address, f"gpu_metrics {form} names no reasons of throttling")
    status = f"{form}, throttle status 0x{metrics.throttle_status or 0:x}, hotspot {metrics.hotspot_celsius} °C"
    evidence = [seen(device_file(gpu, "gpu_metrics"), status)]
    if metrics.throttlers is None:
        what = f"status 0x{metrics.throttle_status or 0:x}: the bits of {form} on {gpu.architecture} have no names here"
        return report.unknown("THROTTLE_UNNAMED", gpu.pci_address, what, evidence)
    if not metrics.throttlers:
        return report.passed("THROTTLE_NONE", gpu.pci_address, "nothing holds it back", evidence)
    names = ", ".join(metrics.throttlers)
    hard = [name for name in metrics.throttlers if name.startswith(_HARD)]
    heat = [name for name in metrics.throttlers if is_thermal(name)]
    if hard or (heat and _is_hot(gpu, metrics, context)):
        code = "THROTTLE_REGULATORS" if hard else "THROTTLE_HEAT"
        what = f"heat holds the card back: {names}"
        cool = "Give the card more air; lower its power limit until it has it. For VR and PROCHOT look at the air over "
        return report.warn(code, gpu.pci_address, what, evidence, remedy=f"{cool}the voltage regulators too.")
    if heat:
        what = f"{names} is set at {metrics.hotspot_celsius} °C, far from the limit: this firmware sets it for good"
        return report.passed("THROTTLE_BIT_ALONE", gpu.pci_address, what, evidence)
    return report.passed("THROTTLE_POWER", gpu.pci_address, f"at its limit of power or current: {names}", evidence)


def _is_hot(gpu: Gpu, metrics: GpuMetrics, context: Context) -> bool:
    """Whether a sensor is near its limit; without any reading the bit is believed."""
    limits = {"junction": _USUAL_LIMIT_CELSIUS, "edge": _USUAL_EDGE_CELSIUS}
    try:
        sensors = context.read(read_sensors, gpu.pci_address).temperatures
        limits |= {each.label: each.critical_millicelsius // 1000 for each in sensors if each.critical_millicelsius}
    except CannotLookError:
        pass
    readings = {"edge": metrics.edge_celsius, "junction": metrics.hotspot_celsius, "mem": metrics.memory_celsius}
    known = [(value, limits[label]) for label, value in readings.items() if value is not None and label in limits]
    return not known or any(value >= limit - _NEAR_CELSIUS for value, limit in known)
