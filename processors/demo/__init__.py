"""Believable traffic of two workspaces, the same for the same seed, in any amount.

- ``world``      who and what there is: workspaces, partners, links, places, devices
- ``rhythm``     when things happen: day, night, weekends
- ``steps``      one event of one visitor, as JSON
- ``traffic``    what visitors do, in the order in which it reaches the system: :func:`generate`
- ``story``      one person among them, whose way can be followed
- ``faults``     the same traffic with things going wrong, for tests
- ``anchor``     one "now" per data directory, so that a second run sends the same events again
"""

from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.story import STORYS_WORKSPACE
from processors.demo.traffic import generate, protagonist

__all__ = ["STORYS_WORKSPACE", "DemoEvent", "Faults", "generate", "protagonist", "with_faults"]
