"""What the kernel's messages mean for the cards: events, incidents with their first cause, one verdict.

The rules are written from the format strings of `drivers/gpu/drm/amd`, `drivers/pci` and `drivers/iommu`.
"""
