"""Laws of one domain's loss over runs of any design: `base.LossLaw` is the protocol."""
