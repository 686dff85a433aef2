"""`sensors` (lm-sensors): chips, readings and limits as people post them."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.hwmon import Sensors, parse_sensors
from rocmox.facts.posted.dump import parse_dump
from rocmox.facts.posted.terminal import plain

_CHIP = re.compile(r"^(?P<chip>[a-z][\w-]{2,40}-(?:pci|isa|virtual|acpi|i2c|hid)-[0-9a-f-]{1,10})\s*$")
_READING = re.compile(
    r"^(?P<label>[\w ]{1,30}):\s+\+?(?P<value>-?\d{1,7}(?:\.\d{1,3})?)\s*°?\s?(?P<unit>[A-Za-z]{1,4})\b"
)
# `sensors -u`: the label stands alone, its values below.
_LABEL = re.compile(r"^(?P<label>[a-z][\w ]{1,30}):\s*$")
_RAW = re.compile(r"^\s+(?P<kind>[a-z]{2,8})\d{1,2}_(?P<what>[a-z_]{3,14}): (?P<value>-?\d{1,9}\.\d{1,3})\s*$")
_RAW_UNITS = {"temp": "C", "power": "W", "in": "V", "fan": "RPM", "freq": "Hz"}
_LIMIT = re.compile(
    r"(?P<name>min|max|cap|crit|hyst|emerg) = \+?(?P<value>-?\d{1,7}(?:\.\d{1,3})?)\s*°?\s?[A-Za-z]{1,4}"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """One value in the unit that the tool prints (C, W, V, RPM, MHz), and its limits by name in the same unit."""

    chip: str | None
    label: str
    value: float
    unit: str
    limits: dict[str, float]


def parse_hwmon_text(text: str) -> list[Reading] | Sensors:
    """The readings of `sensors`, or a dump of one hwmon directory's files as the card's sensors."""
    try:
        return parse_sensors_text(text)
    except CannotLookError:
        files = {path.rpartition("/")[2]: content for path, content in parse_dump(text).items()}
        sensors = parse_sensors(files)
        if not (sensors.temperatures or sensors.power_microwatts or sensors.power_cap_microwatts):
            raise
        return sensors


def parse_sensors_text(text: str) -> list[Reading]:
    """Every reading; CannotLookError when there is none."""
    readings: list[Reading] = []
    chip, label = None, ""
    for line in plain(text).splitlines():
        limits = {match["name"]: float(match["value"]) for match in _LIMIT.finditer(line)}
        if match := _CHIP.match(line):
            chip = match["chip"]
        elif match := _READING.match(line):
            value = float(match["value"])
            readings.append(Reading(chip=chip, label=match["label"], value=value, unit=match["unit"], limits=limits))
        elif match := _LABEL.match(line):
            label = match["label"]
        elif label and (match := _RAW.match(line)):
            _take_raw(readings, chip, label, match)
        elif readings and limits:
            readings[-1] = dataclasses.replace(readings[-1], limits={**readings[-1].limits, **limits})
    if not readings:
        raise CannotLookError("no reading of sensors")
    return readings


def _take_raw(readings: list[Reading], chip: str | None, label: str, match: re.Match[str]) -> None:
    """A value of `sensors -u`: `input` and `average` are readings, the rest limits of the reading before."""
    value, what = float(match["value"]), match["what"]
    if what in {"input", "average"}:
        unit = _RAW_UNITS.get(match["kind"], "")
        readings.append(Reading(chip=chip, label=label, value=value, unit=unit, limits={}))
    elif readings and readings[-1].label == label:
        readings[-1] = dataclasses.replace(readings[-1], limits={**readings[-1].limits, what: value})
