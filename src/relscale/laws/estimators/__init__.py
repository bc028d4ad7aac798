"""Estimators of the laws: `base.Estimator` is the protocol, `registry.ESTIMATORS` lists them."""
