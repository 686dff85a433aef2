"""Carries steps out and rolls back; the only room that changes anything on a node."""
