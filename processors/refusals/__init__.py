"""What could not be used and what led to nothing: found, selected, sent back.

``selection`` says which of them are meant, ``dead_letters`` and ``unmatched`` what one is, ``finding`` reads
them from their topic, ``replaying`` sends them back; ``telling`` puts one in words.
"""
