"""What a process tells of itself: ``logs`` by the line, ``metrics`` by the number, ``health`` in one word.

``metrics`` names what is shown; a process hands a ``Reading`` of it (``exposition``) and its ``Health`` to
``server``, which answers in threads of its own; ``page`` makes the documentation of it.
"""
