"""Knowing a llama.cpp source tree: which version and features it has, and patching mmvq for gfx906 and gfx900."""
