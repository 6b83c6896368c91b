"""The model host: swapped under load, refused models, rollback, shadow, memory, boot loops."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_app.services.model_library import LibraryLimits, UnknownModelError
from edge_app.services.model_status import ModelState
from edge_app.services.models import HostSettings, ModelChangeError, ModelHost, ModelSwappingError
from inspector.bundle import Bundle
from inspector.errors import BundleError, InputError, InspectorError, StorageError
from inspector.postprocess import Verdict
from tests.edge_app.model_bundles import (
    BAD_BUNDLES,
    brighter_than,
    bundle_of,
    data_of,
    load,
    other_bundle,
)
from tests.tiny_bundle import expected_score, part

QUICK = HostSettings(drain_s=5.0)
SCARCE = 1_000_000  # bytes: less than any model needs


@contextmanager
def hosting(tmp_path: Path, given: str | None = "1", **options: Any) -> Iterator[ModelHost]:
    """A started host that serves the tiny bundle of version `given`."""
    host = ModelHost(tmp_path / "models", load, **{"settings": QUICK, **options})
    try:
        host.start(None if given is None else bundle_of(tmp_path, given))
        yield host
    finally:
        host.close()


def upload(host: ModelHost, tmp_path: Path, version: str) -> str:
    return host.upload(data_of(tmp_path, version)).stored.digest


def serving_version(host: ModelHost) -> str:
    with host.serving() as model:
        return model.version.version


def is_soon(what: Callable[[], bool]) -> bool:
    for _ in range(5000):
        if what():
            return True
        time.sleep(0.002)
    return False


def states(host: ModelHost) -> dict[str, str]:
    return {entry.stored.version: entry.state.value for entry in host.list()}


def test_a_model_is_uploaded_activated_and_rolled_back(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        digest = upload(host, tmp_path, "2")
        assert digest == Bundle.open(bundle_of(tmp_path, "2")).digest
        assert states(host) == {"1": "serving", "2": "available"}
        entry = host.activate(digest).result()
        assert (entry.state, entry.stored.digest) == (ModelState.SERVING, digest)
        assert serving_version(host) == "2"
        assert host.rollback().result().stored.version == "1"
        assert serving_version(host) == "1"
        assert host.status().previous == digest


def test_the_host_answers_as_the_bundle_does(tmp_path: Path) -> None:
    frame = part(5, defect=True)[0]
    with hosting(tmp_path) as host, host.serving() as model:
        answer = model.engine.inspect(frame)
        assert answer.judgement.verdict is Verdict.FAIL
        np.testing.assert_allclose(model.score(frame), expected_score(frame), atol=1e-5)
        assert model.version.digest == model.engine.bundle.digest


def test_what_serves_outlives_a_restart(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        host.activate(upload(host, tmp_path, "2")).result()
        host.set_shadow(upload(host, tmp_path, "3")).result()
    with hosting(tmp_path) as host:  # the same command line as before
        assert states(host) == {"1": "available", "2": "serving", "3": "shadow"}
    with hosting(tmp_path, given=None) as host:
        assert serving_version(host) == "2"
    with hosting(tmp_path, given="4") as host:  # another command line
        assert serving_version(host) == "4"
        assert host.rollback().result().stored.version == "2"


def test_fifty_swaps_under_load_fail_no_request(tmp_path: Path) -> None:
    """Every answer is whole: the score is that of the model which the lease names."""
    frame, counts, errors = np.full((32, 48, 3), 150, np.uint8), Counter[str](), []
    expected = {"1": float(expected_score(frame).max()), "2": float(brighter_than(0.5, frame).max())}
    stop = threading.Event()

    def keep_inspecting(host: ModelHost) -> None:
        while not stop.wait(0.002):
            try:
                with host.serving() as model:
                    version = model.version.version
                    assert float(model.score(frame).max()) == pytest.approx(expected[version], abs=1e-4)
                counts[version] += 1
            except BaseException as error:
                errors.append(error)
                return

    with hosting(tmp_path) as host:
        other = host.upload(other_bundle(tmp_path, "2", bright=0.5).read_bytes()).stored.digest
        digests = [other, Bundle.open(bundle_of(tmp_path, "1")).digest]
        threads = [threading.Thread(target=keep_inspecting, args=(host,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(50):
            host.activate(digests[number % 2]).result()
            assert serving_version(host) == ("2", "1")[number % 2]
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert min(counts["1"], counts["2"]) > 0


def test_a_job_in_flight_finishes_on_the_model_it_began_with(tmp_path: Path) -> None:
    swapped = threading.Event()
    steps: list[str] = []

    def on_step(step: str) -> None:
        steps.append(step)

    with hosting(tmp_path, on_step=on_step) as host:
        digest = upload(host, tmp_path, "2")
        with host.serving() as old:
            future = host.activate(digest)
            future.add_done_callback(lambda _: swapped.set())
            assert is_soon(lambda: serving_version(host) == "2")  # new jobs get the new model at once
            assert not future.done()
            assert "swapped" not in steps
            old.engine.inspect(part(1, defect=False)[0])
            assert old.version.version == "1"
        future.result()
        assert swapped.wait(5)


def test_a_job_that_never_ends_does_not_hold_up_a_swap_for_ever(tmp_path: Path) -> None:
    with hosting(tmp_path, settings=HostSettings(drain_s=0.05)) as host:
        digest = upload(host, tmp_path, "2")
        with host.serving() as old:
            host.activate(digest).result()
            assert old.engine.inspect(part(1, defect=True)[0]).judgement.verdict is Verdict.FAIL
        assert serving_version(host) == "2"


@pytest.mark.parametrize("what", BAD_BUNDLES)
def test_a_bad_bundle_is_refused_with_its_reason_while_the_old_one_serves(tmp_path: Path, what: str) -> None:
    spoil, reason = BAD_BUNDLES[what]
    with hosting(tmp_path) as host:
        with pytest.raises(BundleError, match=reason) as caught:
            host.upload(spoil(data_of(tmp_path, "2")))
        assert ".upload" not in str(caught.value)  # no path of the server
        assert states(host) == {"1": "serving"}
        assert serving_version(host) == "1"
    assert not list((tmp_path / "models").glob(".upload*"))
    assert not (tmp_path / "evil.py").exists()


def test_a_model_that_was_damaged_on_disk_is_not_activated(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        digest = upload(host, tmp_path, "2")
        model = host.path_of(digest) / "model.onnx"
        model.write_bytes(model.read_bytes()[:-1] + b"?")
        with pytest.raises(BundleError, match="was changed"):
            host.activate(digest).result()
        assert serving_version(host) == "1"
        assert host.find(digest).state is ModelState.FAILED
        assert "was changed" in host.find(digest).reason
        assert "was changed" in host.status().warning
        assert host.status().previous is None


def test_a_runtime_that_fails_in_its_own_way_refuses_the_model_too(tmp_path: Path) -> None:
    def load_only_the_first(path: Path) -> Any:
        engine, card = load(path)
        if card.version == "2":
            raise MemoryError("no room for the engine")
        return engine, card

    host = ModelHost(tmp_path / "models", load_only_the_first)
    host.start(bundle_of(tmp_path, "1"))
    with pytest.raises(InspectorError, match="MemoryError: no room for the engine"):
        host.upload(data_of(tmp_path, "2"))
    assert states(host) == {"1": "serving"}
    host.close()


def test_a_damaged_current_model_falls_back_to_the_previous_one(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        digest = upload(host, tmp_path, "2")
        host.activate(digest).result()
        path = host.path_of(digest)
    (path / "manifest.json").write_bytes(b"{")
    with hosting(tmp_path, given=None) as host:
        assert serving_version(host) == "1"
        assert "manifest.json" in host.status().warning
        assert host.status().previous is None  # the damaged one is no model to go back to


def test_a_damaged_command_line_bundle_does_not_keep_the_last_model_from_serving(tmp_path: Path) -> None:
    with hosting(tmp_path):
        pass
    (tmp_path / "2.bundle").write_bytes(b"half a zip")
    host = ModelHost(tmp_path / "models", load)
    assert host.start(tmp_path / "2.bundle").version.version == "1"
    assert "the model that served last goes on" in host.status().warning
    host.close()
    host = ModelHost(tmp_path / "fresh", load)
    with pytest.raises(BundleError, match="not a readable bundle"):
        host.start(tmp_path / "2.bundle")
    with pytest.raises(InputError, match="there is no bundle at"):
        host.start(tmp_path / "typo.bundle")
    with pytest.raises(InputError, match="no model is on this device yet"):
        host.start()
    assert host.status().state == "failed"
    host.close()


def test_there_is_nothing_to_roll_back_to_at_first(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        with pytest.raises(InputError, match="no earlier model"):
            host.rollback()
        with pytest.raises(UnknownModelError, match="no model"):
            host.activate("0" * 64)
        with pytest.raises(UnknownModelError, match="no model"):
            host.activate("../../../etc")


def test_a_shadow_looks_on_and_can_be_promoted(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        assert host.shadow() is None
        digest = upload(host, tmp_path, "2")
        with pytest.raises(InputError, match="a shadow must be another one"):
            host.set_shadow(host.status().serving)
        host.set_shadow(digest).result()
        lease = host.shadow()
        assert lease is not None
        with lease as shadow:
            assert shadow.version.version == "2"
        assert host.activate(digest).result().state is ModelState.SERVING
        assert host.shadow() is None
        host.set_shadow(host.status().previous).result()
        assert states(host) == {"1": "shadow", "2": "serving"}
        host.set_shadow(None).result()
        assert states(host) == {"1": "available", "2": "serving"}


def test_one_change_at_a_time(tmp_path: Path) -> None:
    may_go_on, has_begun = threading.Event(), threading.Event()

    def on_step(step: str) -> None:
        if step == "loaded" and hold:
            has_begun.set()
            may_go_on.wait(10)

    hold = False
    with hosting(tmp_path, on_step=on_step) as host:
        digest = upload(host, tmp_path, "2")
        hold = True
        future = host.activate(digest)
        assert has_begun.wait(10)
        assert host.find(digest).state is ModelState.LOADING
        assert host.status().loading == digest
        assert serving_version(host) == "1"
        changes: list[Callable[[], object]] = [
            lambda: host.upload(b""),
            lambda: host.activate(digest),
            lambda: host.set_shadow(digest),
        ]
        for change in changes:
            with pytest.raises(ModelChangeError, match="another model is being loaded or changed"):
                change()
        may_go_on.set()
        future.result()
        assert host.status().loading is None


def test_with_too_little_memory_the_old_model_goes_first_and_requests_are_told_so(tmp_path: Path) -> None:
    seen: list[str] = []

    def on_step(step: str) -> None:
        if step == "unloaded" and host.status().state == "swapping":
            with pytest.raises(ModelSwappingError, match="memory does not hold two"):
                host.serving()
            seen.append(host.status().reason)

    host = ModelHost(tmp_path / "models", load, available=lambda: SCARCE, on_step=on_step, settings=QUICK)
    host.start(bundle_of(tmp_path, "1"))
    digest = upload(host, tmp_path, "2")  # stored, but not tried out: there is no room
    with pytest.raises(InputError, match="too little memory"):
        host.set_shadow(digest).result()
    host.activate(digest).result()
    assert len(seen) == 1
    assert serving_version(host) == "2"
    host.close()


def test_with_too_little_memory_a_bad_model_gives_way_to_the_old_one_again(tmp_path: Path) -> None:
    spoil, reason = BAD_BUNDLES["other answers"]
    with hosting(tmp_path, available=lambda: SCARCE) as host:
        digest = host.upload(spoil(data_of(tmp_path, "2"))).stored.digest
        with pytest.raises(BundleError, match=reason):
            host.activate(digest).result()
        assert serving_version(host) == "1"
        assert host.find(digest).state is ModelState.FAILED


def test_three_crashes_bring_back_the_previous_model(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        host.activate(upload(host, tmp_path, "2")).result()
    for version in ("2", "2", "2", "1"):  # a host that is never closed has crashed
        assert ModelHost(tmp_path / "models", load).start().version.version == version
    host = ModelHost(tmp_path / "models", load)
    assert host.start(bundle_of(tmp_path, "1")).version.version == "1"
    failed = [entry for entry in host.list() if entry.state is ModelState.FAILED]
    assert [entry.reason for entry in failed] == ["it crashed the server three times within five minutes"]
    assert host.activate(failed[0].stored.digest).result().state is ModelState.SERVING  # a person may insist
    host.close()


def test_the_only_model_is_started_even_in_a_boot_loop(tmp_path: Path) -> None:
    with hosting(tmp_path):
        pass
    for number in range(5):
        host = ModelHost(tmp_path / "models", load)
        assert host.start().version.version == "1"
        crashed = " serves, for there is no better one: it crashed the server three times within five minutes"
        assert host.status().warning.endswith(crashed if number >= 3 else "")
        assert bool(host.status().warning) is (number >= 3)  # it once said that the model does not serve


def test_old_models_make_room_and_those_in_use_stay(tmp_path: Path) -> None:
    limits = HostSettings(library=LibraryLimits(max_models=3))
    with hosting(tmp_path, settings=limits) as host:
        host.activate(upload(host, tmp_path, "2")).result()
        upload(host, tmp_path, "3")
        upload(host, tmp_path, "4")
        assert set(states(host)) == {"1", "2", "4"}
        host.set_shadow(upload(host, tmp_path, "4")).result()
        with pytest.raises(StorageError, match="does not fit beside the models in use"):
            upload(host, tmp_path, "5")
        with pytest.raises(InputError, match="is in use"):
            host.remove(host.status().serving or "")
        assert set(states(host)) == {"1", "2", "4"}
        host.set_shadow(None).result()
        (unused,) = (entry.stored.digest for entry in host.list() if entry.stored.version == "4")
        host.remove(unused)
        assert set(states(host)) == {"1", "2"}


def test_damaged_pointers_are_said_and_not_guessed(tmp_path: Path) -> None:
    with hosting(tmp_path):
        pass
    (tmp_path / "models" / "pointers.json").write_text("{")
    with pytest.raises(StorageError, match=r"pointers\.json says which model serves, but it cannot be read"):
        ModelHost(tmp_path / "models", load)


def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hosting(tmp_path) as host:
        digest = upload(host, tmp_path, "2")
        before = (tmp_path / "models" / "pointers.json").read_bytes()

        def no_space(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("edge_app.services.model_library.write_synced", no_space)
        with pytest.raises(StorageError, match="No space left on device"):
            host.activate(digest).result()
        assert serving_version(host) == "1"
        assert host.find(digest).state is ModelState.AVAILABLE  # not the model's fault
        assert (tmp_path / "models" / "pointers.json").read_bytes() == before
        monkeypatch.undo()
        assert host.activate(digest).result().state is ModelState.SERVING


def test_only_signed_models_where_they_are_asked_for(tmp_path: Path) -> None:
    def refuse(path: Path) -> Bundle:
        raise BundleError(f"{path} is not signed")

    with hosting(tmp_path):
        pass
    host = ModelHost(tmp_path / "models", load, open_bundle=refuse)
    with pytest.raises(BundleError, match="the upload is not signed"):
        host.upload(data_of(tmp_path, "2"))
    host.close()


def test_the_pointers_name_what_a_person_can_read(tmp_path: Path) -> None:
    with hosting(tmp_path) as host:
        digest = upload(host, tmp_path, "2")
        host.activate(digest).result()
        told: Callable[[str], Any] = json.loads((tmp_path / "models" / "pointers.json").read_text()).get
        assert (told("current"), told("shadow")) == (digest, None)
        assert told("previous") == told("given") == Bundle.open(bundle_of(tmp_path, "1")).digest
