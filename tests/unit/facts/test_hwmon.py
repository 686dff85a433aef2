from collections.abc import Callable

from rocmox.facts.hwmon import parse_sensors, read_sensors
from rocmox.machine import Machine


def test_an_mi50(gpu_machine: Callable[[str], Machine]) -> None:
    sensors = read_sensors(gpu_machine("mi50x3"), "0000:03:00.0")
    assert [(each.label, each.millicelsius, each.critical_millicelsius) for each in sensors.temperatures] == [
        ("edge", 34000, 100_000),
        ("junction", 35000, 105_000),
        ("mem", 36000, 94_000),
    ]
    assert (sensors.power_microwatts, sensors.power_cap_microwatts, sensors.fan_rpm) == (18_000_000, 225_000_000, None)
    assert sensors.unreadable == {}


def test_either_file_of_power() -> None:
    assert parse_sensors({"power1_input": "7000000"}).power_microwatts == 7_000_000
    assert parse_sensors({"power1_average": "8000000", "power1_input": "7"}).power_microwatts == 8_000_000


def test_memory_at_zero_is_absent_and_nonsense_says_so() -> None:
    sensors = parse_sensors({"temp3_input": "0", "temp3_label": "mem", "temp1_input": "warm", "temp2_input": "9" * 9})
    assert sensors.temperatures == ()
    assert set(sensors.unreadable) == {"temp1_input", "temp2_input", "temp3_input"}
