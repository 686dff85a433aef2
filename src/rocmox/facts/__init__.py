"""One readable thing per file: `parse_x(text) -> X` is pure, `read_x(machine) -> X` reads; nothing changes."""
