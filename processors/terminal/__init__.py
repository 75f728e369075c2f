"""What draws on a terminal: ``lines``, ``steps`` of something long, ``bars`` of how far it is, ``tables``."""
