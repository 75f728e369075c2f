"""Where states are kept: on a disk or in memory. Both are a :class:`processors.engine.stores.Store`."""
