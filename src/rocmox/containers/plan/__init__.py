"""The pure difference between desired and actual: steps, refusals and warnings. Nothing here changes anything."""
