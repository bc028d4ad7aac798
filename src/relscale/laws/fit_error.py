"""The exception of a fit without a usable result."""

from collections.abc import Sequence

from relscale.contract.status import Status


class FitError(RuntimeError):
    """A fit has no usable result, for example fewer points than parameters, or no minimum."""

    def __init__(self, status: Status, message: str, remarks: Sequence[str] = ()) -> None:
        """Keep the status and the remarks that a table shows for this failure.

        Args:
            status: a status without an estimate.
            message: the reason, with numbers.
            remarks: further notes for a reader of the table.
        """
        super().__init__(f"{status}: {'; '.join([message, *remarks])}")
        self.status = status
        self.remarks = (message, *remarks)
