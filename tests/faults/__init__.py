"""What goes wrong on purpose, and the table of what became of it."""
