"""The difference between desired and actual as steps, and every reason to refuse it; nothing here changes anything."""
