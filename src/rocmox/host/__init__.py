"""The node's driver and kernels: AMD's DKMS package in and out, what boots, and an upgrade that cannot strand the node.

Runs on the Proxmox VE node itself, from the zipapp, with the standard library alone. `state` reads, `problems` judges,
`plan` names the steps and is pure, `look` carries them out; `upgrade` and `trial` move to another kernel.
"""
