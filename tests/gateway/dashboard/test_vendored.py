"""What is in the tree of others is what their packages hold, as they are pinned."""

from hashlib import sha256
from pathlib import Path

from processors.gateway.dashboard.vendored import ABOUT, HERE, read_about
from tests.gateway.dashboard import vendoring

MOST_FONT_BYTES = 26 * 1024


def test_every_file_is_what_is_said_of_it() -> None:
    told = read_about(ABOUT.read_bytes())
    assert {one.file for one in told} == {"inter.woff2", "uplot.css", "uplot.js"}
    for one in told:
        assert sha256((HERE / one.file).read_bytes()).hexdigest() == one.sha256
        assert one.license in ("MIT", "OFL-1.1")
        assert "Permission" in (HERE / one.license_file).read_text() or "OFL" in one.license
    assert (HERE / "inter.woff2").stat().st_size <= MOST_FONT_BYTES


def test_it_is_made_of_the_packages(tmp_path: Path) -> None:
    assert (HERE / "node_modules").is_dir(), "make test installs them, by npm ci in " + str(HERE)
    vendoring.main([str(tmp_path)])
    made = sorted(tmp_path.iterdir())
    assert len(made) == 6
    for one in made:
        assert one.read_bytes() == (HERE / one.name).read_bytes(), f"{one.name}: make vendored"
