"""What an experiment came to, in a sentence."""

from search.ace.state import AceState


def no_feasible_message(state: AceState) -> str | None:
    """Say that nothing met the constraints, and which trial was closest; None where something did."""
    if state.best is not None or not state.options.constraints:
        return None
    limits = ", ".join(f"{c.name} <= {c.threshold:g}" for c in state.options.constraints)
    closest = state.closest()
    if closest is None or closest.g is None:
        return (
            f"no trial was evaluated against {limits} in {len(state)} reports of {len(state.trials())} "
            "trials; give a larger budget, or interval='one'"
        )
    found = ", ".join(
        f"{c.name} = {value:.6g}" for c, value in zip(state.options.constraints, closest.g, strict=True)
    )
    return (
        f"no trial met {limits}. The closest was trial {closest.trial_id} at iteration {closest.iteration}: "
        f"{found}, {state.options.metric} = {state.options.objective(closest.loss):.6g}. "
        "Raise the limit, widen the search space or give a larger budget"
    )
