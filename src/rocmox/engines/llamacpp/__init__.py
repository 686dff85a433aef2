"""llama.cpp: its source and patch, memory, bench, tuning and serving."""
