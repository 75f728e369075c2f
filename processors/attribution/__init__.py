"""The rules of attribution (docs/rules.md) as pure functions: facts in, leads out.

No I/O, no clock, no Faust. Two state machines of one shape, ``apply(state, fact, …) -> (state, outputs)``:

``click_join``
    keyed by click: a lead event meets its click and leaves as a *touch*, :class:`~schemas.news.Joined`. Of
    one that waits, or has waited in vain, and of a click that has changed, its customer hears as well.
``customer_join``
    keyed by customer: touches, requests and purchases become leads, sales and the customer's status.

State is a set of facts, merged by rules that do not depend on order (earliest wins, ties by content). What
a state *means* is a pure function of it (``meaning``); an output is the difference between the meaning
before and after a fact. So duplicates emit nothing, and any order of arrival ends in the same leads.

Convention: ``apply`` and ``expire`` return the *same* state object when nothing changed, and ``None`` when
nothing is left to remember.
"""
