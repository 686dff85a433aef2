"""Cards: facts joined into one `Gpu` each, and who may use them."""

from rocmox.gpu.card import Gpu
from rocmox.gpu.join import read_gpus

__all__ = ["Gpu", "read_gpus"]
