"""HTTP in: the calls of SDKs and browsers, short links.

``routing`` says what a route is; each route is one entry of a table, from which it is served, authorised and
documented. ``answers`` has the shape of errors. ``facts`` knows clicks and customers, ``publishing`` puts
events into Kafka. A gateway computes no leads, and all that it holds can be thrown away at any moment.
"""
