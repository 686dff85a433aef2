"""Sensors of a card (`sensors`, `rocm-smi -t -P`): `/sys/bus/pci/devices/ADDRESS/hwmon/hwmonN` (amdgpu_pm.c)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, parse_whole_number, read_text
from rocmox.machine.base import Machine

_TEMPERATURE = re.compile(r"temp(\d{1,3})_input")
_LABELS = {"1": "edge", "2": "junction", "3": "mem"}
_FILE = re.compile(r"(?:temp|power|in|freq|fan|pwm)\d{1,3}(?:_\w{1,20})?|name")
_ABSOLUTE_ZERO = -273150
_HOTTEST = 1_000_000  # m°C: more is not a temperature


@dataclasses.dataclass(frozen=True, kw_only=True)
class TemperatureSensor:
    """One sensor in thousandths of a degree Celsius; a limit the driver does not give is None."""

    label: str
    millicelsius: int
    critical_millicelsius: int | None
    emergency_millicelsius: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sensors:
    """What the card's hwmon shows; power in microwatts, voltage in millivolts. `unreadable` is file → reason."""

    temperatures: tuple[TemperatureSensor, ...]
    power_microwatts: int | None
    power_cap_microwatts: int | None
    power_cap_default_microwatts: int | None
    power_cap_max_microwatts: int | None
    graphics_millivolts: int | None
    fan_rpm: int | None
    unreadable: dict[str, str]

    def temperature(self, label: str) -> TemperatureSensor | None:
        """The sensor of that label: edge, junction or mem."""
        return next((sensor for sensor in self.temperatures if sensor.label == label), None)


def parse_sensors(files: Mapping[str, str], unreadable: Mapping[str, str] | None = None) -> Sensors:
    """Files of one hwmon directory, name → text; values that are not numbers join `unreadable`.

    A memory sensor at exactly 0 is absent, not cold (Vega 20 without HBM readings).
    """
    refused = dict(unreadable or {})

    def number(name: str) -> int | None:
        if name not in files:
            return None
        try:
            return parse_whole_number(files[name], name)
        except CannotLookError as error:
            refused[name] = error.message
            return None

    temperatures = []
    for index in sorted((match[1] for match in map(_TEMPERATURE.fullmatch, files) if match), key=int):
        value = number(f"temp{index}_input")
        label = files.get(f"temp{index}_label", _LABELS.get(index, f"temp{index}")).strip()
        if value is None or not _ABSOLUTE_ZERO < value < _HOTTEST or (value == 0 and label.startswith("mem")):
            refused.setdefault(f"temp{index}_input", "no plausible reading: the sensor is absent")
            continue
        limits = {kind: number(f"temp{index}_{kind}") for kind in ("crit", "emergency")}
        temperatures.append(
            TemperatureSensor(
                label=label,
                millicelsius=value,
                critical_millicelsius=limits["crit"],
                emergency_millicelsius=limits["emergency"],
            )
        )
    average = number("power1_average")
    return Sensors(
        temperatures=tuple(temperatures),
        power_microwatts=number("power1_input") if average is None else average,
        power_cap_microwatts=number("power1_cap"),
        power_cap_default_microwatts=number("power1_cap_default"),
        power_cap_max_microwatts=number("power1_cap_max"),
        graphics_millivolts=number("in0_input"),
        fan_rpm=number("fan1_input"),
        unreadable=refused,
    )


def read_sensors(machine: Machine, address: str) -> Sensors:
    """The card's sensors; CannotLookError when it has no hwmon (driver not bound) or all of it is refused."""
    place = f"/sys/bus/pci/devices/{address}/hwmon"
    folders = [name for name in list_names(machine, place) if name.startswith("hwmon")]
    if not folders:
        raise CannotLookError(f"{place}: no hwmon is here")
    files, refused = {}, {}
    for name in list_names(machine, f"{place}/{folders[0]}"):
        if not _FILE.fullmatch(name):
            continue
        try:
            files[name] = read_text(machine, f"{place}/{folders[0]}/{name}")
        except CannotLookError as error:
            refused[name] = error.message
    return parse_sensors(files, refused)
