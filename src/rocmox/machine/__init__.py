"""The only door to a machine: reading its files, opening its devices, starting its processes.

Standard library only: this package travels to the PVE host and into guests.
"""

from rocmox.machine.base import Completed, Machine
from rocmox.machine.local import LocalMachine

__all__ = ["Completed", "LocalMachine", "Machine"]
