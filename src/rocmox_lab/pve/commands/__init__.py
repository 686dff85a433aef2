"""PVE's commands on the node: one module each, on the API's code."""
