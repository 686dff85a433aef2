"""GPU containers: desired (`spec`) against actual (`current`), the difference (`plan`), its execution (`apply`)."""
