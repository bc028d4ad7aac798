"""Laws of a gap over runs of any design: `base.GapLaw` is the protocol."""
