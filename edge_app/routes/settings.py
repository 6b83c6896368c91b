"""What an administrator changes while the server runs: settings.json."""

from typing import List

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from edge_app.preferences import Preferences, PreferencesFile
from edge_app.routes.access import get_preferences
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.record import Record

router = APIRouter(prefix="/api/v1/settings", tags=["settings"])


class SettingsOut(Record):
    """The settings in force."""

    settings: Preferences
    needs_restart: List[str] = Field(
        description="Settings that were changed by this request and hold after the next start."
    )


@router.get("", operation_id="get_settings", response_model=SettingsOut, summary="Settings")
def read(preferences: PreferencesFile = Depends(get_preferences)) -> Response:
    """Storage, destinations, and what else can be changed while the server runs. Secrets are not among them:
    settings name them, files on the device hold them."""
    return json_answer(SettingsOut(settings=preferences.current, needs_restart=[]))


@router.put(
    "",
    operation_id="set_settings",
    response_model=SettingsOut,
    responses=errors(400, 413, 422, 507),
    summary="Change the settings",
)
def change(asked: Preferences, preferences: PreferencesFile = Depends(get_preferences)) -> Response:
    """Replace all settings: read them, change what has to change, and send them back."""
    waiting = preferences.replace(asked.model_dump(mode="json"))
    return json_answer(SettingsOut(settings=preferences.current, needs_restart=list(waiting)))
