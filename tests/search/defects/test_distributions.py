"""How large, how long, how strong and where: figures that change when a style is changed."""

import cv2
import numpy as np
import pytest

from search.defects import ProceduralTextures
from search.defects.chips import chip
from search.defects.choose import make_style
from search.defects.fills import fill
from search.defects.spots import cluster, spot
from search.defects.strokes import random_walk, stroke
from search.defects.surface import SurfaceDefects
from search.recipe import DefectsRecipe

SIDE = 128
NUM = 300


@pytest.fixture(scope="module")
def frame():
    """A gray surface with a little grain."""
    grain = np.random.default_rng(0).normal(128.0, 4.0, (SIDE, SIDE, 1))
    return np.repeat(np.rint(grain).astype(np.uint8), 3, axis=2)


@pytest.fixture(scope="module")
def surface(frame):
    style = SurfaceDefects([frame])
    return [style(frame, np.random.default_rng(seed)) for seed in range(NUM)]


def _masks(name, frame):
    style = make_style(DefectsRecipe(style=name), ProceduralTextures(0, num_textures=2), [frame])
    return [style(frame, np.random.default_rng(seed)).mask for seed in range(NUM)]


@pytest.mark.parametrize(
    ("name", "low", "high"),  # a tenth of the defects is smaller, a tenth larger
    [
        ("perlin", (0.0, 0.03), (0.05, 0.4)),
        ("cutout", (0.003, 0.012), (0.07, 0.13)),
        ("cutpaste", (0.025, 0.045), (0.12, 0.15)),
        ("scar", (0.001, 0.004), (0.01, 0.03)),
        ("surface", (0.001, 0.005), (0.03, 0.08)),
    ],
)
def test_areas(name, low, high, frame):
    tenth, ninth = np.quantile([mask.mean() for mask in _masks(name, frame)], (0.1, 0.9))
    assert low[0] <= tenth <= low[1]
    assert high[0] <= ninth <= high[1]


@pytest.mark.parametrize(("name", "longest"), [("cutpaste", 3.6), ("cutout", 25.0)])
def test_rectangles_are_wide_as_often_as_tall(name, longest, frame):
    boxes = [cv2.boundingRect(mask)[2:] for mask in _masks(name, frame)]
    aspects = np.array([width / height for width, height in boxes])
    assert np.abs(np.median(np.log(aspects))) < 0.35
    assert aspects.max() <= longest
    assert aspects.min() >= 1 / longest


def test_scars_are_thin_and_lie_in_all_directions(frame):
    turns, ratios = [], []
    for mask in _masks("scar", frame):
        points = np.argwhere(mask)[:, ::-1].astype(np.float32)
        if len(points) < 40:
            continue
        (_, (a, b), turn) = cv2.minAreaRect(points)
        ratios.append(max(a, b) / max(1.0, min(a, b)))
        turns.append(turn % 90.0)
    assert np.median(ratios) > 2.5
    assert np.histogram(turns, bins=3, range=(0, 90))[0].min() > 0.15 * len(turns)


def test_surface_contrasts_reach_from_barely_visible_to_strong(frame, surface):
    contrasts = [
        np.abs(changed.astype(int) - frame).max(axis=2)[mask == 1].mean()
        for changed, mask in surface
        if mask.any()
    ]
    faint, median, strong = np.quantile(contrasts, (0.1, 0.5, 0.9))
    assert 3.0 <= faint <= 14.0  # the grain has a spread of 4
    assert 14.0 <= median <= 45.0
    assert 50.0 <= strong <= 130.0


def test_surface_defects_are_dark_as_well_as_bright(frame, surface):
    signs = [
        np.sign((changed.astype(int) - frame)[mask == 1].mean()) for changed, mask in surface if mask.any()
    ]
    assert 0.25 <= np.mean(np.array(signs) > 0) <= 0.6


def test_surface_defects_lie_everywhere(surface):
    per_cell = np.mean([mask.reshape(4, 32, 4, 32).mean(axis=(1, 3)) for _, mask in surface], axis=0)
    assert per_cell.min() > 0.25 * per_cell.mean()


def test_hardly_a_surface_sample_is_good_by_accident(surface):
    assert np.mean([not mask.any() for _, mask in surface]) < 0.03


def test_a_gap_between_the_flanks_of_a_dent_belongs_to_it(surface):
    # Seen from above, a dent was masked as two halves of a coffee bean.
    holes = 0
    for _, mask in surface:
        filled = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        holes += int(filled.sum()) - int(mask.sum())
    assert holes < 0.02 * sum(int(mask.sum()) for _, mask in surface)


def test_no_fill_is_cut_off_at_the_border_of_its_patch(frame):
    # A relief went on beyond the outline, up to the patch's border, where it ended in a straight line.
    shapes = [spot, cluster, stroke]
    for seed in range(NUM):
        rng = np.random.default_rng(seed)
        stamp = shapes[seed % 3]((SIDE, SIDE), rng) if seed % 4 else chip(frame, rng)
        if stamp is None:
            continue
        before = frame[stamp.box.place].astype(int)
        change = np.abs(fill(frame, stamp, [frame], rng) - before).max(axis=2)
        box = stamp.box
        inside = np.array([box.top > 0, box.left > 0, box.bottom < SIDE, box.right < SIDE])
        rims = [change[0], change[:, 0], change[-1], change[:, -1]]
        at_rim = max((int(rim.max()) for rim, at in zip(rims, inside, strict=True) if at), default=0)
        assert at_rim <= max(2, 0.25 * change.max()), seed


def test_a_dark_stain_on_black_is_no_defect():
    black = np.zeros((64, 64, 3), np.uint8)
    white = np.full((64, 64, 3), 255, np.uint8)
    style = SurfaceDefects()
    for seed in range(60):
        for frame in (black, white):
            changed, mask = style(frame, np.random.default_rng(seed))
            if mask.any():
                assert np.abs(changed.astype(int) - frame)[mask == 1].mean() > 2.0


def test_spots_are_small_as_often_as_large():
    sizes = [s.size_px for s in (spot((SIDE, SIDE), np.random.default_rng(i)) for i in range(NUM)) if s]
    assert min(sizes) >= 0.008 * SIDE
    assert max(sizes) <= 0.12 * SIDE
    assert 0.8 < np.median(sizes) / np.sqrt(0.008 * 0.12) / SIDE < 1.25


def test_a_cluster_has_several_spots():
    numbers = []
    for seed in range(60):
        stamp = cluster((SIDE, SIDE), np.random.default_rng(seed))
        if stamp is not None:
            numbers.append(cv2.connectedComponents((stamp.alpha > 0.5).astype(np.uint8))[0] - 1)
    assert np.median(numbers) >= 3


def test_strokes_are_long_and_thin():
    ratios = []
    for seed in range(NUM):
        stamp = stroke((SIDE, SIDE), np.random.default_rng(seed))
        if stamp is not None:
            area = float((stamp.alpha > 0.3).sum())
            ratios.append(max(stamp.box.shape_hw) ** 2 / max(1.0, area))
    assert np.median(ratios) > 6.0


def test_a_jagged_walk_turns_at_every_leg_and_a_smooth_one_does_not():
    def turns(jag):
        found = []
        for seed in range(40):
            walk = random_walk(np.random.default_rng(seed), length_px=90.0, width_px=2.0, jag=jag)
            legs = np.diff(walk.points, axis=0)
            heading = np.unwrap(np.arctan2(legs[:, 1], legs[:, 0]))
            found.append(np.abs(np.diff(heading)).mean())
        return np.mean(found)

    assert turns(0.0) < 0.15
    assert turns(0.5) > 0.35


def test_a_walk_is_as_long_as_asked_and_its_width_wanders():
    walk = random_walk(np.random.default_rng(0), length_px=80.0, width_px=3.0, jag=0.3)
    assert np.linalg.norm(np.diff(walk.points, axis=0), axis=1).sum() == pytest.approx(80.0)
    assert len(walk.widths_px) == len(walk.points) - 1
    assert walk.widths_px.std() > 0.1


def test_chips_lie_at_edges_of_the_part_or_of_the_image():
    frame = np.full((96, 96, 3), 40, np.uint8)
    frame[24:72, 24:72] = 180  # the part; its edges are 24 pixels from the border
    at_border = at_part = 0
    for seed in range(200):
        stamp = chip(frame, np.random.default_rng(seed))
        assert stamp is not None
        assert np.hypot(*stamp.outward) == pytest.approx(1.0, abs=1e-5)
        box = stamp.box
        at_border += box.top == 0 or box.left == 0 or box.bottom == 96 or box.right == 96
        x, y = 0.5 * (box.left + box.right), 0.5 * (box.top + box.bottom)
        near = [abs(v - edge) for v in (x, y) for edge in (24, 72)]
        at_part += min(near) < 0.7 * max(box.shape_hw) + 3
    assert at_border > 60
    assert at_part > 80


def test_a_chip_across_an_edge_shows_what_is_beyond_it():
    frame = np.full((96, 96, 3), 40, np.uint8)
    frame[24:72, 24:72] = 180
    style = SurfaceDefects([frame])
    turned = 0
    for seed in range(150):
        changed, mask = style(frame, np.random.default_rng(seed))
        inside = changed[28:68, 28:68][mask[28:68, 28:68] == 1].astype(int)
        turned += bool(len(inside)) and int((np.abs(inside - 40).max(axis=1) < 16).sum() > 3)
    assert turned > 5  # background where the part was
