"""The ledger of rewards as a process: :mod:`processors.rewards` on the batch engine (docs/rewards.md).

``policies`` is what programs pay, as its topic has it, and who writes that down; ``following`` keeps a
process at it. ``customers`` is the processor, ``publishing`` makes records of what it says, ``observing`` and
``run`` are the process around it.
"""
