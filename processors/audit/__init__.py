"""Recomputes every result from the events, and holds it against what was published and stored.

``model`` says what the results should be; it was written from docs/rules.md alone and shares no code with the
workers. The rest finds out whether they are.

**The way of an audit.** ``run`` reads, in an order that lets the system go on meanwhile: ClickHouse's views
(``rows``), the result topics, the events (``system``). Whatever it reads goes to disk at once (``evidence``,
``spill``): results and rows by a hash of their customer; events first by click (``inputs``), where a lead
event meets the clicks that it may mean and takes them along to its customer, then by customer as well. In the
end everything about one customer is in one bucket, and ``verdicts`` takes bucket after bucket: the model
computes the results, ``judging`` compares. So memory is that of one bucket, whatever the topics hold.

Where the events of a click are together, so are its rows of ClickHouse, and ``clicks`` compares the two. The
revisions of a lead are compared with the lead's own records (``revisions``).

**What is not certain** is not guessed at but counted apart (``report.Apart``): what retention has removed,
what is still moving, what the order of arrival may decide (``model.contested``), and what a hold may have.
For the last the model is run twice, with no hold at all and with holds that end by the records' times
(``holds`` says for whom that is worth while): where both agree, so must the system; where they do not, either
will do.

A replay is audited like any other system, and beside it the live one is read: same ids, same content.
"""
