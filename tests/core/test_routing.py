"""Which route a generation takes: what an upstream takes, weights, and the same choice each time."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from darkroom.attempts import NOTHING, Errand, Rules
from darkroom.brief import Brief, Modality, Task
from darkroom.catalogue import Model, Reach, Route
from darkroom.errors import ModelUnavailable
from darkroom.ids import new_id
from darkroom.ports import Begun, Work
from darkroom.routing import Routing, lack
from darkroom.testing import FrozenClock, ScriptedProvider
from tests.core.test_generation import a_generation
from tests.worker.scene import one_model

INPUTS = {"prompt": "a reel"}
BRIEF = Brief(model="reel", task=Task.TEXT_TO_VIDEO, modality=Modality.VIDEO, width=1280, height=720, duration_s=5.0)


def model(*routes: Route) -> Model:
    return replace(one_model().find("reel"), routes=routes)


def routing(*providers: str) -> Routing:
    return Routing(providers=providers, clock=FrozenClock())


@pytest.mark.parametrize(
    ("reach", "words", "told"),
    [
        (Reach(), {}, ""),
        (Reach(tasks=(Task.TEXT_TO_VIDEO,)), {}, ""),
        (Reach(tasks=(Task.EXTEND, Task.RETAKE)), {}, "only extend or retake is done"),
        (Reach(durations_s=(5.0, 10.0)), {}, ""),
        (Reach(durations_s=(4.0, 6.0, 8.0)), {}, "only 4, 6 or 8 s long"),
        (Reach(longest_s=5.0), {}, ""),
        (Reach(longest_s=4.5), {}, "up to 4.5 s long"),
        (Reach(resolutions=("720p",)), {}, ""),
        (Reach(resolutions=("720p",)), {"resolution": "720p"}, ""),
        (Reach(resolutions=("720p",)), {"resolution": "1080p"}, "only in 720p"),
        (Reach(aspect_ratios=("16:9", "9:16")), {}, ""),
        (Reach(aspect_ratios=("16:9",)), {"aspect_ratio": "16:9"}, ""),
        (Reach(aspect_ratios=("9:16", "1:1")), {}, "only as 9:16 or 1:1"),
        (Reach(aspect_ratios=("adaptive", "21:9")), {"aspect_ratio": "adaptive"}, ""),
    ],
)
def test_what_a_route_does_not_take(reach: Reach, words: dict[str, str], told: str) -> None:
    assert lack(reach, BRIEF, words) == told


def test_what_is_not_asked_for_is_left_to_the_provider() -> None:
    open_brief = replace(BRIEF, width=None, height=None, duration_s=None)
    assert lack(Reach(durations_s=(4.0,), longest_s=1.0, aspect_ratios=("1:1",)), open_brief, {}) == ""


@pytest.mark.parametrize(("width", "height"), [(1360, 768), (1366, 768), (864, 480)])
def test_a_shape_that_was_rounded_to_blocks_is_still_its_ratio(width: int, height: int) -> None:
    assert lack(Reach(aspect_ratios=("16:9",)), replace(BRIEF, width=width, height=height), {}) == ""


def test_weights_are_shares_of_what_comes_first() -> None:
    routes = model(Route("a", "x", weight=3.0), Route("b", "x", weight=1.0), Route("c", "x", weight=0.0))
    counted = Counter(routing("a", "b", "c").first(routes, INPUTS, new_id()) for _ in range(4000))
    assert set(counted) == {"a", "b"}
    assert 2800 < counted["a"] < 3200  # 3000 +- 7 standard deviations


def test_weights_hold_among_generations_that_come_at_once() -> None:
    routes = model(Route("a", "x", weight=3.0), Route("b", "x", weight=1.0))
    # As one millisecond's ids are: the same but for a counter, and 32 random bits at the end.
    burst = [f"01a1fdf7-60db-76d9-90b8-6d{count:02x}{count * 2_654_435_769 % 2**32:08x}" for count in range(200)]
    counted = Counter(routing("a", "b").first(routes, INPUTS, id) for id in burst)
    assert 140 <= counted["a"] <= 160


def test_the_same_generation_goes_the_same_way() -> None:
    routes = model(Route("a", "x"), Route("b", "x"))
    for id in [new_id() for _ in range(50)]:
        assert len({routing("a", "b").first(routes, INPUTS, id) for _ in range(3)}) == 1


def test_a_route_of_weight_0_is_for_when_the_others_are_not_well() -> None:
    routes = model(Route("a", "x"), Route("b", "x", weight=0.0))
    chosen = routing("a", "b")
    for _ in range(5):
        chosen.health.failed("a")
    assert {chosen.first(routes, INPUTS, new_id()) for _ in range(20)} == {"b"}
    for _ in range(5):
        chosen.health.failed("b")
    assert {chosen.first(routes, INPUTS, new_id()) for _ in range(20)} == {"a"}, "somebody has to"


def test_only_what_is_here_and_takes_it_is_chosen() -> None:
    routes = model(Route("gone", "x"), Route("short", "x", reach=Reach(tasks=(Task.EXTEND,))), Route("b", "x"))
    assert {routing("short", "b").first(routes, INPUTS, new_id()) for _ in range(20)} == {"b"}


def test_nobody_runs_it() -> None:
    with pytest.raises(ModelUnavailable, match=r"no provider of this server runs it$"):
        routing("b").first(model(Route("a", "x")), INPUTS, new_id())


def test_nobody_takes_it_and_each_says_what_it_takes() -> None:
    routes = model(
        Route("a", "x", reach=Reach(tasks=(Task.EXTEND,))), Route("b", "x", reach=Reach(tasks=(Task.RETAKE,)))
    )
    with pytest.raises(ModelUnavailable, match=r"\(only extend is done; only retake is done\)"):
        routing("a", "b").first(routes, INPUTS, new_id())


def test_one_route_alone_is_not_taken_for_what_it_does_not_take() -> None:
    only = model(Route("a", "x", reach=Reach(tasks=(Task.EXTEND,))))
    with pytest.raises(ModelUnavailable, match=r"\(only extend is done\)"):
        routing("a").first(only, INPUTS, new_id())


@pytest.mark.parametrize(("said", "names"), [("720p", ["a", "b"]), ("1080p", ["b"])])
def test_the_next_route_takes_the_words_that_the_caller_said(said: str, names: list[str]) -> None:
    routes = model(Route("a", "x", weight=0.0, reach=Reach(resolutions=("720p",))), Route("b", "x", weight=0.0))
    work = Work(
        reference="g1",
        attempt=1,
        upstream="x",
        inputs=INPUTS,
        brief=BRIEF,
        expected_wait_s=(1, 2),
        scratch=Path("nowhere"),
        words={"resolution": said},
    )
    errand = Errand(
        begun=Begun(generation=a_generation(), before=()),
        model=routes,
        provider=ScriptedProvider([], name="a"),
        work=work,
        rules=Rules(max_attempts=1, limit_s=1.0, when_ambiguous="hold", hold_s=1.0),
        left=NOTHING,
    )
    assert routing("a", "b").order(errand) == names


def test_a_provider_may_have_a_door_for_words_and_one_for_pictures() -> None:
    doors = model(
        Route("a", "pictures", reach=Reach(tasks=(Task.IMAGE_TO_VIDEO,))),
        Route("a", "words", reach=Reach(tasks=(Task.TEXT_TO_VIDEO,))),
    )
    chosen = routing("a")
    assert chosen.first(doors, INPUTS, new_id()) == "a"
    assert chosen.upstream(doors, "a", BRIEF, {}) == "words"
    assert chosen.upstream(doors, "a", replace(BRIEF, task=Task.IMAGE_TO_VIDEO), {}) == "pictures"
    assert chosen.upstream(doors, "gone", BRIEF, {}) == "reel"
