"""Executes plans and rolls back, adopts, removes, repairs; the ways into a node."""
