"""What is counted, when and of whom: the questions behind ``/analytics``, ``/events`` and the dashboard.

``periods`` says which time is meant, ``filters`` which events, ``scopes`` puts both before a question, and
``counts`` asks. Every number comes from the same views by the same conditions, so that a total, its series,
its groups and the list of its events agree.
"""
