"""One "now" per data directory, so that a second run sends the same events again and doubles nothing."""

from pathlib import Path


def anchor_ms(data_dir: Path, now_ms: int) -> int:
    """When the demo traffic of ``data_dir`` ends: ``now_ms`` the first time, the same moment ever after.

    Raises ``OSError`` when the directory cannot be written.
    """
    path = data_dir / "demo-anchor"
    try:
        remembered = path.read_text().strip()
    except FileNotFoundError:
        remembered = ""
    if remembered.isdecimal():
        return int(remembered)
    # In one step: half an anchor would make other events of the next run.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(f"{now_ms}\n")
    unfinished.replace(path)
    return now_ms
