"""A kernel in memory, behind the same door as the real one."""
