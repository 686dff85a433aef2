"""To another kernel: its record on the node, the stages, and the trial at boot."""
