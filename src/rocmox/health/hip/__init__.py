"""Active tests through libamdhip64: what is asked of it, how it answers, and who uses the cards meanwhile."""
