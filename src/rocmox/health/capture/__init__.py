"""A machine as its checks read it, in one archive for a bug report: secrets and unrelated data left out."""

from rocmox.health.capture.take import Capture, take_capture

__all__ = ["Capture", "take_capture"]
