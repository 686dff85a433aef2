"""Loads every module that registers a worker function."""

import rocmox_lab.pve.guests.clone
import rocmox_lab.pve.guests.create
import rocmox_lab.pve.guests.power
import rocmox_lab.pve.guests.remove
import rocmox_lab.pve.guests.resize
import rocmox_lab.pve.storage.jobs  # noqa: F401 - imported for what they register
