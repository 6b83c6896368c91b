"""When a trial evaluates its constraint, on which checkpoint, and what it reports: no Ray."""

import math
from dataclasses import replace

import pytest

from search.ace.course import Course, Evaluation
from search.ace.options import AceError, AceOptions, Constraint
from search.ace.state import Standing

OPTIONS = AceOptions("auc", "max", (Constraint("eod", 0.25),), max_iterations=16)


def course_at(iteration, *, total=16, loss=0.5, c2_s=1.0, **known):
    course = Course(total=total)
    for _ in range(iteration):
        course.advance(loss, c2_s)
    course.learn(Standing(**known))
    return course


def test_unknown_cost_means_the_end_of_the_trial():
    course = course_at(1)
    assert course.cost_ratio is None
    assert course.lacks_cost(OPTIONS)
    assert course.beta(OPTIONS) == 16
    assert not course.is_due(OPTIONS)


@pytest.mark.parametrize(("c1_s", "beta"), [(1.94, 1), (23.98, 16)])
def test_the_mean_of_all_trials_until_its_own_is_known(c1_s, beta):
    course = course_at(1, constraint_cost_s=c1_s)
    assert course.beta(OPTIONS) == beta
    course.enter(Evaluation(1, 0.5, (0.3,), 100.0), OPTIONS)
    assert (course.cost_ratio, course.beta(OPTIONS)) == (100.0, 16)
    course.learn(Standing(constraint_cost_s=0.1))
    assert course.cost_ratio == 100.0


def test_the_interval_follows_the_costs_of_each_iteration():
    course = course_at(1, constraint_cost_s=20.0)
    assert course.beta(OPTIONS) == 16
    course.advance(0.5, 39.0)  # mean C2 is now 20 s
    assert course.beta(OPTIONS) == 1


@pytest.mark.parametrize(
    ("options", "due"),
    [
        (replace(OPTIONS, interval="one"), list(range(1, 17))),
        (replace(OPTIONS, interval="last"), [16]),
        (replace(OPTIONS, interval="never"), []),
        (replace(OPTIONS, interval="one", constraints=()), []),
        (replace(OPTIONS, interval="one", spacing="geometric"), [1, 4, 16]),
        (replace(OPTIONS, interval="last", spacing="geometric"), [16]),
        (OPTIONS, [16]),
    ],
)
def test_schedule(options, due):
    course, found = Course(total=16), []
    for iteration in range(1, 17):
        course.advance(0.5, 1.0)
        if course.is_due(options):
            found.append(iteration)
    assert found == due


def test_skipping():
    course = course_at(1, best_feasible_loss=0.4)
    assert not course.is_wanted(OPTIONS)
    assert course.is_wanted(replace(OPTIONS, skip=False))
    assert course_at(1, loss=0.4, best_feasible_loss=0.4).is_wanted(OPTIONS)
    assert not course_at(1, loss=math.inf).is_wanted(replace(OPTIONS, skip=False))


def test_the_best_feasible_score_never_rises():
    course = course_at(1, best_feasible_loss=0.4)
    course.learn(Standing(best_feasible_loss=0.6, constraint_cost_s=2.0))
    course.learn(Standing())  # a board that was restarted
    assert course.standing == Standing(0.4, 2.0)


def test_the_best_checkpoint_is_kept_for_the_end():
    course, kept = Course(total=4), []
    for loss in (0.5, 0.3, 0.3, 0.6):
        course.advance(loss, 1.0)
        if course.should_keep(OPTIONS):
            course.keep()
            kept.append(course.iteration)
    assert kept == [1, 2]
    assert course.uses_kept(OPTIONS)
    assert (course.kept_iteration, course.kept_loss) == (2, 0.3)


def test_nothing_is_kept_where_every_iteration_is_evaluated():
    options = replace(OPTIONS, interval="one")
    assert not course_at(1).should_keep(options)
    assert not course_at(1).should_keep(replace(OPTIONS, interval="never"))


def test_the_last_checkpoint_wins_a_tie():
    course = course_at(3, total=4)
    course.keep()
    course.advance(0.5, 1.0)
    assert not course.uses_kept(OPTIONS)


def test_every_report_carries_the_last_known_constraint():
    course = course_at(1)
    first = course.report(OPTIONS, None)
    assert (first["ace/evaluated"], first["ace/stratum"]) == (False, "no_constraint")
    assert math.isnan(first["ace/g/eod"])
    course.advance(-0.8, 1.0)
    evaluation = Evaluation(2, -0.8, (0.2,), 3.0)
    course.enter(evaluation, OPTIONS)
    second = course.report(OPTIONS, evaluation)
    assert second["ace/g/eod"] == 0.2
    assert (second["ace/stratum"], second["ace/candidate"], second["ace/c1_s"]) == ("valid", 0.8, 3.0)
    course.advance(-0.9, 1.0)
    third = course.report(OPTIONS, None)
    assert (third["ace/evaluated"], third["ace/g/eod"], third["ace/iteration"]) == (False, 0.2, 3)
    assert (third["ace/best_feasible"], third["ace/best_feasible_iter"]) == (0.8, 2)
    assert math.isnan(third["ace/c1_s"])


def test_saved_and_loaded():
    course = course_at(3, constraint_cost_s=2.0)
    course.keep()
    evaluation = Evaluation(3, 0.5, (0.2,), 3.0)
    course.enter(evaluation, OPTIONS)
    course.report(OPTIONS, evaluation)
    assert Course.loaded(course.saved()) == course


def test_a_course_of_another_version_is_refused():
    with pytest.raises(AceError, match="of another version of ACE"):
        Course.loaded({"total": 3, "colour": "red"})
