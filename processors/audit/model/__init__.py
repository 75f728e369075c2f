"""The reference model: docs/rules.md a second time, in batch, written from that page alone.

``arrivals`` reads events from records; ``rules`` holds the rules as plain functions over everything that is
known; ``reference`` applies them, supposing that whatever an event waits for came within the hold;
``by_arrival`` does without that supposition, one arrival after the other; ``contested`` says about whom the
order of arrival shows after all; ``documents`` and ``outcome`` put the answer into the terms of the topics.

It shares no code with ``processors.attribution``, or it would prove nothing; a test holds that.
"""
