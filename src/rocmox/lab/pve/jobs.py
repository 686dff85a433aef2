"""Loads every module that registers a worker function."""

import rocmox.lab.pve.guests.clone
import rocmox.lab.pve.guests.create
import rocmox.lab.pve.guests.power
import rocmox.lab.pve.guests.remove
import rocmox.lab.pve.guests.resize
import rocmox.lab.pve.storage.jobs  # noqa: F401 - imported for what they register
