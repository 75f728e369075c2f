"""``leadstream`` as it is installed: an interruption before it has begun, or at its end, is quiet, too."""

import signal


def main() -> int:
    """Run the command line; returns the exit code."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        # While there is nothing to clean up yet, the signal itself ends the process: a shell says 130.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from processors.cli.main import main as run

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run()
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code
