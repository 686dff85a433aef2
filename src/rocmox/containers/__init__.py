"""GPU containers: wished (`spec`) against found (`current`), the pure difference (`plan`), its execution (`apply`)."""
