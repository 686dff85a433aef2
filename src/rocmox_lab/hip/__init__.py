"""A stand-in for libamdhip64 (`stand_in.h` says what it can be told to be), built with the machine's C compiler.

ROCMOX_HIP_LIBRARY=/tmp/libamdhip64.so ROCMOX_HIP_STAND_IN="mode=no-copy" rocmox p2p
"""

from rocmox_lab.hip.build import LIBRARY, MODES, build, configure
from rocmox_lab.hip.cards import device_words

__all__ = ["LIBRARY", "MODES", "build", "configure", "device_words"]
