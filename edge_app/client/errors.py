"""What can go wrong between a client and the edge server."""

from inspector.errors import InspectorError


class EdgeClientError(InspectorError):
    """Base of the client's errors."""


class UnreachableError(EdgeClientError):
    """There is no answer: nothing listens at this address, or the connection broke."""


class AnswerError(EdgeClientError):
    """The server refused; the message is its own sentence, `status` its HTTP status."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class BusyServerError(AnswerError):
    """The server was still too busy (503 or 429) when the time to wait was over."""
