"""Compute graphs: built, scheduled and allocated as ggml does it, without any data."""
