"""A loop by hand on aiokafka."""
