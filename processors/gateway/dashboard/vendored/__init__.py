"""What the dashboard serves of others, in the tree: ``made.json`` says from which packages it is, under
which licence, and its checksum. ``make vendored`` makes it again.

``uplot.js``, ``uplot.css``: the chart, as it is published. ``inter.woff2``: of the font the characters of
Western languages, in the weights that the pages have.
"""

from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

HERE: Final = Path(__file__).parent
ABOUT: Final = HERE / "made.json"


class Made(Struct, frozen=True):
    """``license``: a name of SPDX; its text is in the file ``license_file``. ``sha256``: hexadecimal."""

    file: str
    package: str
    version: str
    license: str
    license_file: str
    sha256: str


read_about: Final = Decoder(list[Made]).decode
