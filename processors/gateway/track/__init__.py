"""Leads and sales as SDKs and pages report them: accepted or refused, and put into Kafka.

Nothing is computed here that a lead consists of. A call is answered 200 when its event is in Kafka and a
worker can use it: its click is known, or its customer is.
"""
