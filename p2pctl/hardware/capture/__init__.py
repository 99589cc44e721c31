"""A host in one file: what the readers asked of it, recorded (``take``), packed (``pack``) and saved (``save``)."""
