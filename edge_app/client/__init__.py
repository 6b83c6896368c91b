"""A small client of the edge server, on the standard library's HTTP.

client = Client("http://127.0.0.1:8080")
print(client.inspect("ring.png").verdict)
"""

from edge_app.client.client import Client
from edge_app.client.errors import AnswerError, BusyServerError, EdgeClientError, UnreachableError
from edge_app.client.records import Decision, Inspection, Region

__all__ = [
    "AnswerError",
    "BusyServerError",
    "Client",
    "Decision",
    "EdgeClientError",
    "Inspection",
    "Region",
    "UnreachableError",
]
