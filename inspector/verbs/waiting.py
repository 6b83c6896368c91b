"""A verb ends with its process, so it waits for the engine that a server builds while it serves."""

from typing import Optional

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.runtime import Runner


def open_waiting(
    bundle: Bundle, *, console: Console, threads: Optional[int], runtime: str = "auto"
) -> Runner:
    """Return a runner whose engine does not change any more; errors as `Runner.open`.

    `console` hears of a build, and of a better engine that cannot be used.
    """
    runner = Runner.open(bundle, threads=threads, runtime=runtime)
    if runner.status.state == "building":
        console.say(runner.status.detail)
        runner.wait()
    if runner.status.state == "fallback":
        console.warn(f"{runner.name} answers: {runner.status.detail}")
    return runner
