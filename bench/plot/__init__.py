"""Results as a picture, drawn in an environment of its own (:mod:`bench.environments`)."""
