"""Kernels of the node: what boots, with what it starts, the module built for each, and the hooks that apt calls."""
