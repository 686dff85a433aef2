"""Results for people and programs: the only floor that prints. Standard library only where the zipapp needs it."""
