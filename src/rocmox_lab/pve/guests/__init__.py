"""Containers: configuration files, and everything that is done to a guest."""
