"""What every section of a recipe is: a frozen record that refuses unknown keys."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
