"""How the system runs."""
