"""The name of a metric in a configuration.

It is in a module of its own, so that a new metric does not make corpora or training stale.
"""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from relscale.contract.metrics import METRICS, metric_of

MetricName = Annotated[
    str,
    AfterValidator(lambda name: metric_of(name).name),
    WithJsonSchema({"enum": list(METRICS), "type": "string"}),
]
"""The name of a metric of `contract.metrics`."""
