"""A fake for each shipped manifest: it speaks the upstream's words over a real socket, and misbehaves on demand."""

from collections.abc import Callable

from tests.providers.fakes.aimlapi import Aimlapi, AimlapiLuma
from tests.providers.fakes.bfl import Bfl
from tests.providers.fakes.comfyui import ComfyUi
from tests.providers.fakes.darkroom import Darkroom
from tests.providers.fakes.elevenlabs import Elevenlabs
from tests.providers.fakes.elumenta import Elumenta
from tests.providers.fakes.fake import Fake
from tests.providers.fakes.fal import Fal
from tests.providers.fakes.higgsfield import Higgsfield
from tests.providers.fakes.kling import Kling
from tests.providers.fakes.luma import Luma
from tests.providers.fakes.minimax import MiniMax, MiniMaxAudio, MiniMaxH3
from tests.providers.fakes.openai_images import OpenaiImages
from tests.providers.fakes.openai_speech import OpenaiSpeech
from tests.providers.fakes.openai_videos import OpenaiVideos
from tests.providers.fakes.openrouter import Openrouter
from tests.providers.fakes.replicate import Replicate
from tests.providers.fakes.runway import Runway
from tests.providers.fakes.skills import Skills
from tests.providers.fakes.stability import Stability, StabilityUpscale
from tests.providers.fakes.veo import Veo
from tests.providers.fakes.vivix import Vivix
from tests.providers.fakes.wavespeed import WaveSpeed

FAKES: dict[str, Callable[[], Fake]] = {
    fake.name: fake
    for fake in (
        Aimlapi,
        AimlapiLuma,
        Bfl,
        ComfyUi,
        Darkroom,
        Elevenlabs,
        Elumenta,
        Fal,
        Higgsfield,
        Kling,
        Luma,
        MiniMax,
        MiniMaxAudio,
        MiniMaxH3,
        OpenaiImages,
        OpenaiSpeech,
        OpenaiVideos,
        Openrouter,
        Replicate,
        Runway,
        Skills,
        Stability,
        StabilityUpscale,
        Veo,
        Vivix,
        WaveSpeed,
    )
}
