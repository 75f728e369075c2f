"""``python -m bench.analytics``."""

from bench.analytics.command import main

if __name__ == "__main__":
    main()
