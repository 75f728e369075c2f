"""Who is owed what for a lead or a sale (docs/rewards.md), as pure functions: facts in, rewards out.

No I/O, no clock. One state machine, keyed by customer, of the shape of :mod:`processors.attribution`:

``policy``, ``parsing``, ``policy_file``
    what a program pays, checked once and whole;
``judging``
    what one lead or sale is worth by the policy of its time. That is settled when it comes: its event name,
    country and metadata need not be kept, so that of a person nothing is remembered but ids and sums;
``state``, ``meaning``
    what is remembered of a customer, and what it means: the rewards and refusals are a function of it;
``ledger``
    ``apply(…, state, fact, …) -> (state, outputs)``: an output is the difference between the meaning before
    and after a fact, so that a fact that changes nothing says nothing, and any order of arrival ends alike.
"""
