"""``python -m bench.gateway``."""

from bench.gateway.command import main

if __name__ == "__main__":
    main()
