"""What the node has; nothing here changes anything."""
