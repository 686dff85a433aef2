"""Does a model fit on these cards, where does each byte go, and what context is the most."""
