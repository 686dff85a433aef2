"""Stand-in for Proxmox VE's API and command line: same answers, real containers behind them.

`api` holds one routing table that the HTTP server, `pvesh` and `pct` share; `runtime` makes the containers.
"""
