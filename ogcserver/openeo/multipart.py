"""The file of a form that a browser or an openEO client uploads, as a stream.

Source: RFC 7578 and RFC 2046 clause 5.1.1.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email.message import Message

from ogcserver.errors import FileContentInvalid

_MOST_HEADERS = 16 << 10
_FILE = re.compile(rb'\r\ncontent-disposition:[^\r]*;\s*name="?file"?\s*(?:;|\r\n)', re.IGNORECASE)


async def file_part(stream: AsyncIterator[bytes], content_type: str) -> AsyncIterator[bytes]:
    """The content of the part that is named ``file``, which must come first. Holds little more than one chunk.

    Raises:
        FileContentInvalid: not such a form, or it ends within the file.
    """
    end = b"\r\n--" + _boundary(content_type)
    data = b"\r\n"
    head = -1
    async for chunk in stream:
        data += chunk
        if (head := data.find(b"\r\n\r\n")) >= 0 or len(data) > _MOST_HEADERS:
            break
    if head < 0 or not data.startswith(end + b"\r\n") or not _FILE.search(data[len(end) : head + 2]):
        raise FileContentInvalid("the first part of the form must be the file, named file")
    data = data[head + 2 :]  # what ends an empty file begins with the end of the headers
    skip = 2
    while (at := data.find(end)) < 0:
        ready = max(skip, len(data) - len(end))
        yield data[skip:ready]
        data, skip = data[ready:], 0
        try:
            data += await anext(stream)
        except StopAsyncIteration:
            raise FileContentInvalid("the form ends before the file does") from None
    yield data[skip:at]
    async for _ in stream:  # further parts are of no use
        pass


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise FileContentInvalid("the form's Content-Type must name its boundary")
    return boundary.encode()
