"""A whole machine for the lab: Proxmox VE's boot path, kernels and AMD's driver package, in QEMU."""
