"""``python -m bench.gateway``."""

from bench.gateway.command import main

main()
