"""Storages of the node: the configuration file, the volumes, the templates."""
