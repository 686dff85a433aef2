"""rocmox turns a Proxmox VE host with AMD GPUs into a private LLM service and keeps it healthy."""

__version__ = "0.1.0"
