"""A store's error in our words: what went wrong, and nothing of what the request was signed with."""

import contextlib
import re
from collections.abc import Iterator

from obstore.exceptions import BaseError

STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"<Code>(\w{1,64})</Code>")


@contextlib.contextmanager
def as_os_error() -> Iterator[None]:
    """One kind of error, whichever store it is: `FileNotFoundError` or another `OSError`."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError("it is not in the asset store") from None
    except BaseError as error:
        # Not its text: that has the URL, which a credential may be part of, and the store's answer, which may name the
        # key and all that was signed. Not as the cause either: a logged error is logged with what led to it.
        raise OSError(f"the asset store: {reason_of(error)}") from None


def reason_of(error: BaseError) -> str:
    text = str(error)
    found = [type(error).__name__.removesuffix("Error")]
    found += [match[1] for match in (STATUS.search(text), CODE.search(text)) if match is not None]
    return " ".join(found)
