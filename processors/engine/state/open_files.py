"""How many files a process may have open."""

import resource


def allow_open_files() -> None:
    """As many as the system lets this process have.

    A database has seven and more open, and of a table with a retention each partition has several of them:
    the usual soft limit of 1024 would be passed weeks after the start.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
