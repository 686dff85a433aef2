"""Desired: what the inventory's `gpu_containers` ask for, validated, in Proxmox VE's own spellings."""
