"""The search for the fastest build and settings (A/B/A, resumable)."""
