"""The whole system on one machine, as ``leadstream up`` runs it, and whether it can be run there.

- ``running``     servers, topics, tables, then worker and sink; and all of it down again
- ``up``          what goes on while all of it runs; ``interrupt``: until Ctrl-C or SIGTERM
- ``supervisor``  child processes that are started again when they die
- ``demo``        demo traffic in, and waiting until everything has come of it
- ``live``        one line about what is going on
- ``replaying``   workers for a replay, beside those that run
- ``checks``      what ``leadstream doctor`` looks at; ``rules_check`` is the longest of them
"""
