"""The only door to a machine: reading its files, opening its devices, starting its processes.

Standard library only: this package travels to the PVE host and into guests.
"""

from rocmox.machine.address import machine_at
from rocmox.machine.base import Completed, Machine
from rocmox.machine.local import LocalMachine

__all__ = ["Completed", "LocalMachine", "Machine", "is_constructed", "machine_at"]


def is_constructed(machine: Machine) -> bool:
    """Whether the machine's `/sys` stands for another one, so that no driver is behind its device nodes."""
    return bool(getattr(machine, "constructed", False))
