"""Measuring llama.cpp: run its own benches, store every run with its surroundings, compare, plot."""
