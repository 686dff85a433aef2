"""Actual: what stands on the node, and what earlier runs noted there."""
