"""No setting of the machine that runs the tests reaches them."""

from tests.alone import clean_environment

__all__ = ["clean_environment"]
