"""What a llama.cpp source tree is: its version and features; and the mmvq patch for gfx906 and gfx900."""
