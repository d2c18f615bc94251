"""Which of a model's tasks the given inputs ask for."""

from collections.abc import Mapping, Set
from functools import lru_cache

from darkroom.brief import Role, Task

ASKED_BY: Mapping[Task, tuple[Set[Role], ...]] = {
    Task.TEXT_TO_VIDEO: (frozenset(),),
    Task.IMAGE_TO_VIDEO: ({Role.IMAGE}, {Role.LAST_IMAGE}),
    Task.FRAMES_TO_VIDEO: ({Role.IMAGE, Role.LAST_IMAGE},),
    Task.REFERENCE_TO_VIDEO: ({Role.REFERENCE},),
    Task.VIDEO_TO_VIDEO: ({Role.VIDEO},),
    Task.EDIT: ({Role.VIDEO},),
    Task.EXTEND: ({Role.VIDEO}, {Role.VIDEO, Role.IMAGE}, {Role.VIDEO, Role.LAST_IMAGE}),
    Task.RETAKE: ({Role.VIDEO},),
    Task.MOTION_CONTROL: ({Role.VIDEO, Role.IMAGE},),
    Task.LIP_SYNC: ({Role.AUDIO}, {Role.AUDIO, Role.VIDEO}, {Role.AUDIO, Role.IMAGE}),
    Task.UPSCALE: ({Role.VIDEO}, {Role.IMAGE}),
    Task.TRY_ON: ({Role.PERSON, Role.GARMENT},),
    Task.TEXT_TO_IMAGE: (frozenset(),),
    Task.IMAGE_TO_IMAGE: ({Role.IMAGE}, {Role.REFERENCE}),
    Task.MUSIC: (frozenset(),),
    Task.SPEECH: (frozenset(),),
    Task.SOUND: (frozenset(),),
}
"""Task to the media that ask for it; any one of the sets will do."""

FORMS: Mapping[str, tuple[Task, ...]] = {
    "text-image": (Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO),
    "text-image-to-video": (Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO),
    "text-to-video": (Task.TEXT_TO_VIDEO,),
    "image-to-video": (Task.IMAGE_TO_VIDEO,),
    "frames": (Task.FRAMES_TO_VIDEO, Task.IMAGE_TO_VIDEO),
    "frame-to-video": (Task.FRAMES_TO_VIDEO, Task.IMAGE_TO_VIDEO),
    "reference": (Task.REFERENCE_TO_VIDEO,),
    "reference-to-video": (Task.REFERENCE_TO_VIDEO,),
    "video-to-video": (Task.VIDEO_TO_VIDEO,),
    "video-reference-to-video": (Task.VIDEO_TO_VIDEO,),
    "motion-control": (Task.MOTION_CONTROL,),
    "edit": (Task.EDIT,),
    "edit-video": (Task.EDIT,),
    "video-edit": (Task.EDIT,),
    "video-reframe": (Task.VIDEO_TO_VIDEO,),
    "extend": (Task.EXTEND,),
    "extend-video": (Task.EXTEND,),
}
"""What callers write where a model has several forms (in `feature`, `mode`, ...), `_` as `-`, to the tasks meant."""


@lru_cache(maxsize=4096)
def task_for(tasks: tuple[Task, ...], present: frozenset[Role], form: str = "") -> Task:
    """Of the tasks that the form allows, the one that uses most of the media given; of equals, the model's first."""
    named = FORMS.get(form.replace("_", "-"), ())
    allowed = [task for task in tasks if task in named] or tasks
    return max(allowed, key=lambda task: _used(task, present))


def _used(task: Task, present: Set[Role]) -> int:
    return max((len(needed) for needed in ASKED_BY[task] if needed <= present), default=-1)
