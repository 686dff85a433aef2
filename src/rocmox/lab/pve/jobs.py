"""Loads every module that registers a worker function."""

from rocmox.lab.pve.guests import clone, create, power, remove, resize
from rocmox.lab.pve.storage import jobs

__all__ = ["clone", "create", "jobs", "power", "remove", "resize"]
