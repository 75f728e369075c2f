"""Files and pipes of events into the topics where they belong.

``feed`` is one pass over one of them. ``reading`` reads ahead of it in a thread: ``unpacking`` what is
compressed, told apart by ``forms`` and taken apart by ``lines`` (JSON Lines), ``values`` (JSON arrays, and
objects over several lines) or ``tables`` (CSV). ``findings`` is what is told of lines that are refused, and
of those that are doubtful.
"""
