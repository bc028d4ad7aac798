"""Resources that jobs ask a scheduler for, estimated from the plan. Light imports."""
