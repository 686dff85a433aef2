"""What serves models: one room per engine; `engine.py` says what an engine is."""
