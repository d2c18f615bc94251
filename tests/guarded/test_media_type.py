"""What first bytes say, and what is in a data URI. Each row is the beginning of a real file."""

import base64

import pytest

from darkroom.media_type import kind_of, parse_data_uri, sniff


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (bytes.fromhex("89504e470d0a1a0a0000000d49484452"), "image/png"),
        (bytes.fromhex("ffd8ffe000104a46494600010100"), "image/jpeg"),
        (bytes.fromhex("ffd8ffe1001845786966"), "image/jpeg"),
        (b"GIF87a\x01\x00\x01\x00", "image/gif"),
        (b"GIF89a\x01\x00\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00", "image/bmp"),
        (b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miafMA1B", "image/avif"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "image/avif"),
        (b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1MiHEmiafMiHBheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "image/heic"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "video/mp4"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "video/mp4"),
        (b"\x00\x00\x00\x1cftypM4V \x00\x00\x00\x01M4V M4A mp42", "video/mp4"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ", "video/quicktime"),
        (b"\x00\x00\x00\x08wide\x00\x12\xd6\x87mdat", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x88matroska", "video/x-matroska"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE", "audio/mpeg"),
        (bytes.fromhex("fffb9064000000"), "audio/mpeg"),
        (bytes.fromhex("fff344c4000000"), "audio/mpeg"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"fLaC\x00\x00\x00\x22\x10\x00", "audio/flac"),
        (b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead", "audio/ogg"),
        (b"OggS\x00\x02" + bytes(20) + b"\x01\x1e\x01vorbis", "audio/ogg"),
        (b"OggS\x00\x02" + bytes(20) + b"\x01\x2a\x80theora", "video/ogg"),
        (bytes.fromhex("fff15080043ffc"), "audio/aac"),
        (bytes.fromhex("fff94c80013ffc"), "audio/aac"),
        (b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00M4A isomiso2", "audio/mp4"),
        (b"", None),
        (b"\xff", None),
        (b"BM is how this sentence begins", None),
        (b"RIFF\x24\x00\x00\x00AVI LIST", None),
        (b"\xff\xfe<\x00h\x00t\x00", None),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", None),
        (b"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00mif1", None),
        (b"<!doctype html><html>", None),
        (b"%PDF-1.7", None),
        (b"PK\x03\x04", None),
    ],
)
def test_first_bytes_tell_the_media_type(head: bytes, media_type: str | None) -> None:
    assert sniff(head) == media_type


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("video/mp4", "video"), ("audio/mpeg", "audio"), ("Video/MP4; codecs=avc1", "video")],
)
def test_a_media_type_is_of_a_kind(media_type: str, kind: str) -> None:
    assert kind_of(media_type) == kind


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "", "image"[:3]])
def test_what_is_no_medium_has_no_kind(media_type: str) -> None:
    with pytest.raises(ValueError, match="neither image, video nor audio"):
        kind_of(media_type)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("data:image/png;base64,iVBORw==", b"\x89PNG"),
        ("data:image/png;base64,iVBORw", b"\x89PNG"),
        ("DATA:image/png;charset=x;BASE64,iVBORw==", b"\x89PNG"),
        ("data:image/png;base64,iVBORw%3D%3D", b"\x89PNG"),
        ("data:;base64,iVBORw==", b"\x89PNG"),
        ("data:text/plain,a%20b,c", b"a b,c"),
        ("data:,%89PNG", b"\x89PNG"),
    ],
)
def test_a_data_uri_holds_its_bytes(text: str, content: bytes) -> None:
    assert parse_data_uri(text, 100) == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a data URI"),
        ("https://media.example/a,b", "must be a data URI"),
        ("data:image/png;base64", "must be a data URI"),
        ("data:image/png;base64,", "without data"),
        ("data:image/png,", "without data"),
        ("data:image/png;base64,iVB*Rw==", "not base64"),
        ("data:image/png;base64,iVBOR", "not base64"),
        ("data:image/png;base64,\u00e9\u00e9", "not base64"),
    ],
)
def test_what_is_no_data_uri_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_data_uri(text, 100)


@pytest.mark.parametrize("size_bytes", [101, 102, 10_000])
def test_a_data_uri_above_the_limit_is_refused(size_bytes: int) -> None:
    encoded = base64.b64encode(bytes(size_bytes)).decode()
    with pytest.raises(ValueError, match="is larger than 100 bytes"):
        parse_data_uri(f"data:image/png;base64,{encoded}", 100)


def test_a_data_uri_may_be_as_large_as_the_limit() -> None:
    assert len(parse_data_uri(f"data:;base64,{base64.b64encode(bytes(100)).decode()}", 100)) == 100
    assert len(parse_data_uri("data:," + "%00" * 100, 100)) == 100
