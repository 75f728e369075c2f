"""``leadstream up``: the whole system on one machine.

- ``interrupt``   Ctrl-C and SIGTERM, for a program that first works through steps and then serves
- ``supervisor``  child processes that are started again when they die
- ``stack``       servers, topics, tables, then worker and sink; and all of it down again
- ``demo``        demo traffic in, and waiting until everything has come of it
- ``views``       what ClickHouse makes of it, on the terminal
- ``live``        one line about what is going on
- ``console``     steps and lines on a terminal, or plainly into a pipe
"""
