"""The embedded Proxmox VE node: its image, network and credentials, its API and commands, its constructed cards."""
