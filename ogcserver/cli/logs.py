"""What the server writes to its log: as uvicorn does, but no token that stands in the address of a request."""

from __future__ import annotations

import copy
import logging
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from ogcserver.users.credentials import without_tokens


class HideTokens(logging.Filter):
    """Lets every record pass, without tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = without_tokens(record.msg) if isinstance(record.msg, str) else record.msg
        if isinstance(record.args, tuple):
            record.args = tuple(without_tokens(one) if isinstance(one, str) else one for one in record.args)
        return True


def log_config() -> dict[str, Any]:
    """For ``logging.config.dictConfig``, in each server process."""
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"tokens": {"()": HideTokens}}
    for handler in config["handlers"].values():
        handler["filters"] = ["tokens"]
    return config
