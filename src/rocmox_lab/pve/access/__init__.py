"""Who is who and who may do what: accounts, tickets, tokens, roles, rights."""
