"""HTTP in: the calls of SDKs and browsers, short links.

``routing`` says what a route is; each route is one entry of a table (``routes``), from which it is served,
authorised and documented. A request comes in through ``listening`` and ``protocol``; ``serving`` leads it
from its ``head`` by ``matching``, ``callers`` with ``limits``, ``bodies`` and ``queries`` to the route's
handler, and what that returns through ``encoding`` out again. ``answers`` has the shape of errors,
``findings`` that of refused fields; ``openapi`` and ``reference`` describe the table.

Handlers are in rooms of their own: ``track``, ``clicks``, ``links``, ``customers``, ``script``, and the pages
of ``dashboard``. ``facts``
knows clicks and customers, ``publishing`` puts events into Kafka. A gateway computes no leads, and all that
it holds can be thrown away at any moment.
"""
