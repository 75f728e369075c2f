"""Who came through a link: read from ClickHouse, and from what was accepted a moment ago."""
