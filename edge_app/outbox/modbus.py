"""A coil of a PLC over Modbus/TCP. pymodbus is asked for only when a gate is configured (extra `modbus`)."""

import inspect
import logging
from typing import Any, Optional

from edge_app.access.reachable import reachable_ip
from edge_app.outbox.settings import GateSettings
from inspector.errors import InputError, InspectorError


class PlcError(InspectorError):
    """The PLC did not answer, or refused."""


class Plc:
    """One connection, made when it is needed. Every call is answered within about `timeout_s`."""

    def __init__(self, settings: GateSettings) -> None:
        """Hold the address.

        Raises:
            InputError: pymodbus is not installed.
        """
        try:
            from pymodbus.client import ModbusTcpClient
        except ImportError as error:
            raise InputError(
                "a reject gate needs pymodbus: pip install 'visual-inspector[modbus]', or remove the "
                f"destination {settings.name!r} from the settings"
            ) from error
        # pymodbus logs each failed attempt as an error of its own; the gate says it once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self._make: Any = ModbusTcpClient
        self._settings = settings
        self._client: Optional[Any] = None
        # `slave` until pymodbus 3.9, `device_id` since.
        parameters = inspect.signature(ModbusTcpClient.write_coil).parameters
        self._unit_name = "device_id" if "device_id" in parameters else "slave"

    def write(self, coil: int, on: bool) -> None:
        """Set a coil and have the PLC confirm it.

        Raises:
            PlcError: it cannot be reached, does not answer in time, or refuses.
        """
        try:
            answer = self._connected().write_coil(coil, on, **{self._unit_name: self._settings.unit})
        except PlcError:
            raise
        except Exception as error:  # pymodbus raises its own, OSError, and struct.error on a strange answer
            self.close()
            raise PlcError(f"PLC {self._where} does not answer: {type(error).__name__}") from error
        if answer.isError():
            self.close()
            raise PlcError(f"PLC {self._where} refuses coil {coil} of unit {self._settings.unit}: {answer}")

    def close(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connected(self) -> Any:
        if self._client is None:
            try:
                ip = reachable_ip(self._settings.host, self._settings.port, allow_loopback=True)
            except InputError as error:
                raise PlcError(str(error)) from error
            client = self._make(ip, port=self._settings.port, timeout=self._settings.timeout_s, retries=0)
            if not client.connect():
                client.close()
                raise PlcError(f"PLC {self._where} cannot be reached")
            self._client = client
        return self._client
