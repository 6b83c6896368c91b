"""What every JSON record of the REST interface is."""

from pydantic import BaseModel, ConfigDict, Field

DIGITS = 6


class Record(BaseModel):
    """Frozen; never NaN or infinite."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, protected_namespaces=())


class ErrorOut(Record):
    """What every 4xx and 5xx answers."""

    detail: str = Field(
        description="One sentence: what was wrong, the value, the limit, what to do.",
        examples=["review threshold 0.6 is above the fail threshold 0.5"],
    )


class SizeOut(Record):
    """A size in pixels."""

    width: int
    height: int
