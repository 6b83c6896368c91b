"""The books as plain values: equal after a round, refused where they are of another version."""

import json
import pickle
import subprocess
import sys

import pytest

from search.ace.books import dump_state, load_state
from search.ace.options import AceError, AceOptions, Constraint
from search.ace.record import make_record
from search.ace.state import AceState

OPTIONS = AceOptions("loss", "min", (Constraint("a", 0.25), Constraint("b", 1.0)))


def filled_state():
    state = AceState(OPTIONS)
    for number in range(40):
        g = None if number % 3 == 0 else (number / 40, number / 10)
        record = make_record(str(number % 8), number // 8, loss=number % 7, g=g, options=OPTIONS)
        state.judge(state.add(record))
    return state


@pytest.mark.parametrize("through", [pickle, json])
def test_dumped_and_loaded(through):
    state, loaded = filled_state(), AceState(OPTIONS)
    assert state.stops
    load_state(through.loads(through.dumps(dump_state(state))), loaded)
    assert (loaded.stops, loaded.trials(), len(loaded)) == (state.stops, state.trials(), len(state))
    assert loaded.best == state.best
    for trial in state.trials():
        assert loaded.course(trial) == state.course(trial)
    probe = make_record("new", 2, loss=3.0, g=(0.5, 2.0), options=OPTIONS)
    assert loaded.judge(loaded.add(probe)) == state.judge(state.add(probe))


def test_loading_over_books_that_are_newer_changes_nothing():
    state = filled_state()
    before, saved = len(state), dump_state(state)
    state.add(make_record("late", 1, loss=0.0, g=None, options=OPTIONS))
    load_state(saved, state)
    assert len(state) == before + 1


def test_another_version_is_refused():
    saved = {**dump_state(filled_state()), "schema": 99}
    state = AceState(OPTIONS)
    with pytest.raises(AceError, match="have schema 99, this version reads 1; restore with the version"):
        load_state(saved, state)
    assert len(state) == 0


def test_other_constraints_are_refused():
    other = AceState(AceOptions("loss", "min", (Constraint("a", 0.5), Constraint("b", 1.0))))
    with pytest.raises(AceError, match=r"are of constraints a <= 0.25, b <= 1, the scheduler has a <= 0.5"):
        load_state(dump_state(filled_state()), other)


def test_the_pure_parts_start_neither_ray_nor_torch():
    pure = ["cost", "stratum", "violation", "ranking", "options", "record", "state", "course", "books"]
    code = f"import sys\nimport {', '.join('search.ace.' + name for name in [*pure, 'summary'])}\n"
    code += "print(sorted({'ray', 'torch'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
