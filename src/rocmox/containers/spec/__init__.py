"""What the inventory asks for; nothing here talks to a node."""
