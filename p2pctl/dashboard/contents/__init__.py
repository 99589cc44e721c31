"""What the views show, as panels: pure functions of a picture."""
