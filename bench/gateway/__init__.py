"""``leadstream bench gateway``: what a call costs a gateway, and how long its caller waits.

``load`` is the caller, a process of its own. ``place`` has the servers and what they hold before the first
call, ``calls`` the requests; ``run`` measures, ``report`` shows it.
"""
