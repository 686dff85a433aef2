"""The kernel log of a machine as the checks see it: read and judged once for all of them."""

from __future__ import annotations

import dataclasses
import io

from rocmox.facts.kernel_log.boot_log import BootLog, read_previous_boot, read_this_boot
from rocmox.facts.kernel_log.source import LogSource
from rocmox.gpu.card import Gpu
from rocmox.gpu.inventory import read_inventory
from rocmox.health.kernel_log.findings import LogReport, read_log
from rocmox.health.kernel_log.links import Links
from rocmox.machine.base import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class JudgedLog:
    """One boot's log, where it comes from, and what it says."""

    source: str
    report: LogReport


def judge_this_boot(machine: Machine) -> JudgedLog | None:
    """As `read_this_boot`."""
    return _judge(read_this_boot(machine), machine)


def judge_previous_boot(machine: Machine) -> JudgedLog | None:
    """As `read_previous_boot`."""
    return _judge(read_previous_boot(machine), machine)


def _judge(log: BootLog | None, machine: Machine) -> JudgedLog | None:
    if log is None:
        return None
    source = LogSource(io.BytesIO(log.text), log.source)
    return JudgedLog(source=log.source, report=read_log(source, _links(read_inventory(machine).gpus)))


def _links(gpus: list[Gpu] | tuple[Gpu, ...]) -> Links:
    return Links.of_machine({gpu.pci_address: gpu.bridges for gpu in gpus})
