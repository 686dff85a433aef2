"""llama-bench and llama-batched-bench: commands, parsers, one whole run."""
