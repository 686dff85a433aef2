"""Health results in Prometheus' text format 0.0.4, for node_exporter's textfile collector.

`rocmox_check_verdict` counts by precedence: -1 NOT_APPLICABLE, 0 PASS, 1 WARN, 2 UNKNOWN, 3 FAIL, 4 CRIT. So `> 0` is
what somebody should look at and `>= 3` what is broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rocmox import __version__
from rocmox.errors import CannotLookError
from rocmox.facts.hwmon import read_sensors
from rocmox.gpu.card import Gpu
from rocmox.health.context import Context
from rocmox.health.result import Verdict, worst

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

VALUES = {
    Verdict.NOT_APPLICABLE: -1,
    Verdict.PASS: 0,
    Verdict.WARN: 1,
    Verdict.UNKNOWN: 2,
    Verdict.FAIL: 3,
    Verdict.CRIT: 4,
}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
Sample = tuple[dict[str, str], float]


def render_prometheus(report: HealthReport) -> str:
    """`--format prometheus`."""
    families = (*_verdicts(report), *_cards(report.context))
    return "\n".join(line for name, words, samples in families for line in _family(name, words, samples))


def _verdicts(report: HealthReport) -> Iterator[tuple[str, str, list[Sample]]]:
    yield "rocmox_build_info", "Release of rocmox.", [({"version": __version__}, 1)]
    yield "rocmox_health_timestamp_seconds", "When the checks ran (Unix time).", [({}, round(report.at_seconds, 3))]
    level = "Worst verdict: -1 NOT_APPLICABLE, 0 PASS, 1 WARN, 2 UNKNOWN, 3 FAIL, 4 CRIT."
    yield "rocmox_health_verdict", level, [({}, VALUES[worst(report.results)])]
    series: dict[tuple[str, str, str], int] = {}
    for result in report.results:
        key = (result.check, result.subject, result.code)
        series[key] = max(series.get(key, -1), VALUES[result.verdict])
    yield (
        "rocmox_check_verdict",
        "Verdict of a check on a subject, values as in rocmox_health_verdict.",
        [
            ({"check": check, "subject": subject, "code": code}, value)
            for (check, subject, code), value in series.items()
        ],
    )
    counts = [
        ({"verdict": verdict.value}, float(sum(result.verdict is verdict for result in report.results)))
        for verdict in Verdict
    ]
    yield "rocmox_health_results", "Results by verdict.", counts


def _cards(context: Context) -> Iterator[tuple[str, str, list[Sample]]]:
    """What is known of each card; a card without a value has no sample."""
    try:
        gpus = context.inventory.gpus
    except CannotLookError:
        return
    info = [({**_name(gpu), "model": gpu.model or "", "architecture": gpu.architecture or ""}, 1.0) for gpu in gpus]
    yield "rocmox_gpu_info", "An AMD GPU.", info
    vram = [(_name(gpu), float(gpu.vram_bytes)) for gpu in gpus if gpu.vram_bytes is not None]
    yield "rocmox_gpu_vram_bytes", "Memory of the card.", vram
    links = [(gpu, gpu.link) for gpu in gpus if gpu.link]
    speeds = [(_name(gpu), link.speed_gts) for gpu, link in links]
    yield "rocmox_gpu_link_speed_gts", "Speed of the slowest link to the card, GT/s per lane.", speeds
    lanes = [(_name(gpu), float(link.width)) for gpu, link in links]
    yield "rocmox_gpu_link_lanes", "Lanes of the slowest link to the card.", lanes
    temperatures, powers = [], []
    for gpu in gpus:
        try:
            sensors = context.read(read_sensors, gpu.pci_address)
        except CannotLookError:
            continue
        temperatures += [
            ({**_name(gpu), "sensor": sensor.label}, sensor.millicelsius / 1000) for sensor in sensors.temperatures
        ]
        powers += [] if sensors.power_microwatts is None else [(_name(gpu), sensors.power_microwatts / 1_000_000)]
    yield "rocmox_gpu_temperature_celsius", "Temperature by the card's sensor.", temperatures
    yield "rocmox_gpu_power_watts", "Power of the card.", powers


def _name(gpu: Gpu) -> dict[str, str]:
    return {"pci_address": gpu.pci_address}


def _family(name: str, words: str, samples: list[Sample]) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inner}}} {value!r}" if inner else f"{name} {value!r}"


def _escaped(text: str) -> str:
    """Backslash, quote and line feed escaped; what UTF-8 cannot write becomes ?."""
    return text.encode(errors="replace").decode().translate(_ESCAPES)
