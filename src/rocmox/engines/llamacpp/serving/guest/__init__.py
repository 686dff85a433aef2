"""Single files that run inside a guest: standard library only, each a program of its own."""
