"""A loop by hand on librdkafka."""
