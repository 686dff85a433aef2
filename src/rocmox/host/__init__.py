"""The host's driver and kernels: AMD's DKMS package in and out, what boots, and an upgrade that cannot strand the host.

Runs on the Proxmox VE host itself, from the zipapp, with the standard library alone. `state` reads, `problems` judges,
`plan` puts the steps of the subjects in order and is pure, `look` carries them out. Each subject in `packages/` and
`kernels/` has its `plan_…` beside its `undo_…`; `upgrade/` moves to another kernel and keeps its one record.
"""
