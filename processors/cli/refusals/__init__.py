"""What could not be used and what led to nothing, as the commands see it: found, listed, sent back.

``selection`` says which of them are meant, ``dead_letters`` and ``unmatched`` what one is, ``finding`` reads
them from their topic, ``listing`` shows them, ``replaying`` sends them back.
"""
