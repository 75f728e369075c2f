"""What travels: one definition of every event, topic, header and reason.

Kafka, ClickHouse, HTTP and the documentation all read these definitions; nothing here does I/O.

=============  =====================================================================
``topics``     every topic: name, key, retention
``events``     what producers send: click, lead event, purchase, erasure
``fields``     the types of their fields; ``texts``: the rules of texts and ids
``decoding``   bytes → event, or a typed refusal; ``refused``: why; ``second_reading``: what
               was not meant to the letter
``decoders``   which of them reads what; ``routing``: the topic and key of an event
``portable``   JSON → JSON that every reader takes
``results``    what the system answers: touch, lead, sale, customer, unmatched
``registry``   workspaces, keys, domains: what the registries hold
``reasons``    why an event led to nothing, or could not be used
``headers``    names of Kafka headers
``ids``        deterministic ids: the same facts give the same id, whoever computes it
``times``      event times: epoch milliseconds inside, RFC 3339 UTC outside
=============  =====================================================================
"""
