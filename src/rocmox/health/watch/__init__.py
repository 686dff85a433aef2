"""What follows from results on a node that is watched: guests are told, and on CRIT what the owner set is done."""
