"""Proxmox VE's API, typed: one `Api` (a way in) and functions over it, one file per part of the API.

The only package that imports proxmoxer, and there only `https` does: everything else is standard library, so that the
part over `pvesh` travels to the node. Functions take a `Node` and return frozen dataclasses; PVE's spellings stay here.
"""

from rocmox.proxmox.api import Account, Api, Endpoint, Node, Parameters
from rocmox.proxmox.pvesh import PveshApi

__all__ = ["Account", "Api", "Endpoint", "Node", "Parameters", "PveshApi"]
