"""quixstreams."""
