"""What routes ask for: the service, the drawings and the settings of this app."""

from fastapi import Request

from edge_app.services.drawing import Drawings
from edge_app.services.inspection import InspectionService
from edge_app.settings import Settings


def get_service(request: Request) -> InspectionService:
    """Return the app's one inspection service."""
    service: InspectionService = request.app.state.service
    return service


def get_drawings(request: Request) -> Drawings:
    """Return the app's one drawer of pictures."""
    drawings: Drawings = request.app.state.drawings
    return drawings


def get_settings(request: Request) -> Settings:
    """Return the app's settings."""
    settings: Settings = request.app.state.settings
    return settings
