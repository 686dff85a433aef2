"""Proxmox VE's API, typed: one `Api` (a way in) and functions over it, one file per part of the API.

The only package that imports proxmoxer. Functions take a `Node` and return frozen dataclasses; PVE's spellings stay
here.
"""

from rocmox.proxmox.api import Account, Api, Endpoint, Node, Parameters
from rocmox.proxmox.https import HttpsApi

__all__ = ["Account", "Api", "Endpoint", "HttpsApi", "Node", "Parameters"]
