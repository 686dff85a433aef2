"""One module per kind of fault, named as the fault with `_` for `-`; each has a `FAULT`."""
