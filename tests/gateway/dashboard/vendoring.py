"""Makes what the dashboard serves of others, of the packages that its ``package-lock.json`` pins:

npm ci --prefix processors/gateway/dashboard/vendored
python -m tests.gateway.dashboard.vendoring [DIRECTORY]
"""

import sys
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from processors.gateway.dashboard.vendored import ABOUT, HERE, Made

_UPLOT: Final = "uplot"
_INTER: Final = "@fontsource-variable/inter"
_WEIGHTS: Final = (400, 600)
_CHARACTERS: Final = (*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, "–—‘’“”‚„†•…‰‹›€™−↑↓→·\u2009\u202f"))
_FEATURES: Final = ("kern", "liga", "calt", "ccmp", "locl", "mark", "mkmk", "tnum")


def main(arguments: Sequence[str]) -> None:
    """See above."""
    target = Path(arguments[0]) if arguments else HERE
    packages = HERE / "node_modules"
    uplot, inter = packages / _UPLOT, packages / _INTER
    made = [
        _put(target, "uplot.js", (uplot / "dist/uPlot.iife.min.js").read_bytes(), _UPLOT),
        _put(target, "uplot.css", (uplot / "dist/uPlot.min.css").read_bytes(), _UPLOT),
        _put(target, "inter.woff2", _subset(inter / "files/inter-latin-wght-normal.woff2"), _INTER),
    ]
    for package in (uplot, inter):
        (target / f"LICENSE-{package.name}").write_bytes((package / "LICENSE").read_bytes())
    (target / ABOUT.name).write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")


def _put(target: Path, name: str, content: bytes, package: str) -> Made:
    (target / name).write_bytes(content)
    about = msgspec.json.decode((HERE / "node_modules" / package / "package.json").read_bytes())
    license_file = f"LICENSE-{package.rpartition('/')[2]}"
    return Made(name, package, about["version"], about["license"], license_file, sha256(content).hexdigest())


def _subset(path: Path) -> bytes:
    """The font, with these characters, weights and features alone."""
    # Of a time of its own nothing is written into it: the same font is the same bytes.
    font = TTFont(path, recalcTimestamp=False)
    options = Options()
    options.layout_features = [*_FEATURES]
    options.flavor = "woff2"
    options.recalc_timestamp = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=_CHARACTERS)
    subsetter.subset(font)
    font = instantiateVariableFont(font, {"wght": _WEIGHTS})
    font.flavor = "woff2"
    packed = BytesIO()
    font.save(packed)
    return packed.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
