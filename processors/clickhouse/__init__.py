"""ClickHouse: where it is, how one connects, what its tables and views are, and who may do what there.

``url`` is the address as one value; ``connection`` makes clients, ``threads`` asks one from an event loop;
``migrations`` brings tables and views up to date, ``exchange`` puts a successor in the place of a table;
``roles`` says who may do what; ``queries`` is what several ask.
"""
