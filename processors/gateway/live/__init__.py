"""What is written now, for whoever watches.

``rings`` keeps the newest records of each workspace, ``positions`` says up to where somebody has them, in
words that every gateway understands; ``reading`` is the one reader of Kafka; ``watching`` is what handlers
ask.
"""

from processors.gateway.live.rings import Lost, Record
from processors.gateway.live.watching import Bounds, Live, Watcher

__all__ = ["Bounds", "Live", "Lost", "Record", "Watcher"]
