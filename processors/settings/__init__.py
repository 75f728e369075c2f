"""Every setting of the system, read from ``LEADSTREAM_*`` environment variables.

``kafka``, ``clickhouse``, ``attribution``, ``gateway`` and ``service`` have the fields, ``durations`` reads
spans of time. ``running`` finds the system that runs here, ``loading`` takes from it what the environment
does not say and says what is wrong with that, ``listing`` shows it.
"""

from processors.settings.attribution import AttributionSettings
from processors.settings.clickhouse import ClickHouseSettings
from processors.settings.gateway import GatewaySettings
from processors.settings.kafka import KafkaSettings
from processors.settings.part import PREFIX, variable
from processors.settings.service import ServiceSettings

__all__ = ["PREFIX", "Settings", "variable"]


# The last of the bases is the first in lists.
class Settings(ServiceSettings, GatewaySettings, AttributionSettings, ClickHouseSettings, KafkaSettings):
    """All of them."""
