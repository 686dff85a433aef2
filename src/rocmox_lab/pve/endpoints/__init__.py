"""The methods of the API, by subject; every module registers its handlers when it is imported."""

import rocmox_lab.pve.endpoints.access
import rocmox_lab.pve.endpoints.accounts
import rocmox_lab.pve.endpoints.cluster
import rocmox_lab.pve.endpoints.grants
import rocmox_lab.pve.endpoints.guests
import rocmox_lab.pve.endpoints.nodes
import rocmox_lab.pve.endpoints.pools
import rocmox_lab.pve.endpoints.storages
import rocmox_lab.pve.endpoints.tasks
import rocmox_lab.pve.endpoints.templates  # noqa: F401 - imported for what they register
