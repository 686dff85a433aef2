"""Packages of the node: what the sources offer, the driver and its headers in, and what we added out again."""
