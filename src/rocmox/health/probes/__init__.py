"""Small programs that run on the machine under test, as their own process, and answer in JSON."""
