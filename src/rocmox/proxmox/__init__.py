"""proxmox."""
