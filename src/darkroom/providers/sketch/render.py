"""One brief in, finished files out: the embedded renderer's front door."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from darkroom.asset import MEDIA_TYPES
from darkroom.brief import Brief, Modality, Produced, Task
from darkroom.providers.sketch import films, pictures, remakes, talking
from darkroom.providers.sketch.composing import tune
from darkroom.providers.sketch.effects import effect
from darkroom.providers.sketch.frames import SAMPLE_RATE, Film, examine, first_picture
from darkroom.providers.sketch.mark import Mark
from darkroom.providers.sketch.recording import Recording, fitted, measured_s, record
from darkroom.providers.sketch.shot import Shot, numbered
from darkroom.providers.sketch.speech import spoken
from darkroom.providers.sketch.stills import save, thumbnail

Progress = Callable[[float], None]
__all__ = ["Produced", "Progress", "render"]


SHOTS: Mapping[Task, Callable[[Brief], Shot]] = {
    Task.TEXT_TO_VIDEO: films.from_words,
    Task.IMAGE_TO_VIDEO: films.from_picture,
    Task.FRAMES_TO_VIDEO: films.between_pictures,
    Task.REFERENCE_TO_VIDEO: films.with_references,
    Task.VIDEO_TO_VIDEO: remakes.restyled,
    Task.EDIT: remakes.restyled,
    Task.MOTION_CONTROL: remakes.moved,
    Task.EXTEND: remakes.extended,
    Task.RETAKE: remakes.retaken,
    Task.UPSCALE: remakes.upscaled,
    Task.LIP_SYNC: talking.speaking,
    Task.TRY_ON: pictures.dressed_film,
}

PICTURES: Mapping[Task, Callable[[Brief], Image.Image]] = {
    Task.TEXT_TO_IMAGE: pictures.from_words,
    Task.IMAGE_TO_IMAGE: pictures.restyled,
    Task.EDIT: pictures.restyled,
    Task.UPSCALE: pictures.upscaled,
    Task.TRY_ON: pictures.tried_on,
}

RECORDINGS: Mapping[Modality, Callable[[Brief], Recording]] = {
    Modality.MUSIC: tune,
    Modality.SPEECH: spoken,
    Modality.SOUND: effect,
}


def render(brief: Brief, folder: Path, on_progress: Progress) -> list[Produced]:
    """`brief.count` results in `folder`, each different. Raises `InputUnusable` when an input cannot be decoded."""
    folder.mkdir(parents=True, exist_ok=True)
    results = []
    for index in range(brief.count):

        def share(done: float, index: int = index) -> None:
            on_progress((index + done) / brief.count)

        results.append(_render_one(numbered(brief, index), folder / f"{index + 1:02d}", share))
        share(1.0)
    return results


def _render_one(brief: Brief, stem: Path, on_progress: Progress) -> Produced:
    if brief.modality is Modality.VIDEO:
        return _video(brief, stem, on_progress)
    if brief.modality is Modality.IMAGE:
        return _image(brief, stem)
    return _recording(brief, stem, on_progress)


def _video(brief: Brief, stem: Path, on_progress: Progress) -> Produced:
    shot = SHOTS.get(brief.task, films.from_words)(brief)
    path = stem.with_suffix(".mp4")
    mark = Mark(brief.model, shot.width, shot.height)
    sound = shot.sound
    if sound is None and brief.with_audio:
        sound = tune(brief, duration_s=shot.duration_s).samples
    if sound is not None:
        sound = fitted(sound, round(shot.frame_count * SAMPLE_RATE / shot.fps))
    with Film(path, width=shot.width, height=shot.height, fps=shot.fps, sound=sound) as film:
        for index, canvas in enumerate(shot.frames):
            mark.put(canvas)
            film.add(canvas)
            if index % 8 == 7:
                on_progress(min(0.99, (index + 1) / shot.frame_count))
    finished = examine(path)
    return Produced(
        path=path,
        media_type=MEDIA_TYPES["mp4"],
        width=finished.width,
        height=finished.height,
        duration_s=finished.duration_s,
        thumbnail=thumbnail(first_picture(path), _thumbnail_path(stem)),
    )


def _image(brief: Brief, stem: Path) -> Produced:
    picture = PICTURES.get(brief.task, pictures.from_words)(brief)
    picture = Mark(brief.model, *picture.size).on_picture(picture)
    ending = _ending(brief, "png")
    path = stem.with_suffix(f".{ending}")
    save(picture, path)
    with Image.open(path) as finished:
        finished.load()
        width, height = finished.size
    return Produced(
        path=path,
        media_type=MEDIA_TYPES[ending],
        width=width,
        height=height,
        thumbnail=thumbnail(picture, _thumbnail_path(stem)),
    )


def _recording(brief: Brief, stem: Path, on_progress: Progress) -> Produced:
    recording = RECORDINGS[brief.modality](brief)
    on_progress(0.7)
    ending = _ending(brief, "mp3")
    path = stem.with_suffix(f".{ending}")
    record(recording, path)
    return Produced(path=path, media_type=MEDIA_TYPES[ending], duration_s=measured_s(path))


def _ending(brief: Brief, usual: str) -> str:
    """The asked format, where this modality can be written in it; else the usual one."""
    asked = brief.format.lower().lstrip(".")
    kind = MEDIA_TYPES[usual].split("/")[0]
    return asked if MEDIA_TYPES.get(asked, "").startswith(f"{kind}/") else usual


def _thumbnail_path(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}-thumbnail.jpg")
