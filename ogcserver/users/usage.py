"""What users have computed, in credits: a credit is a million values (pixels x bands x times) that were not in a cache.

Counting is a matter of a dictionary; the database hears of it every few seconds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from cachetools import LRUCache
from sqlalchemy import Engine, func, select

from ogcserver.jobs.tables import USAGE, writing

VALUES_PER_CREDIT = 1_000_000


class Usage:
    """Counts values for users and jobs. Thread-safe.

    Who pays for computing a plan is who asked for it last: what several ask for at once is computed once.
    """

    def __init__(self, database: Engine, keep: int = 10_000) -> None:
        self._database = database
        self._payers: LRUCache[str, tuple[str, str]] = LRUCache(keep)
        self._counted: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def claim(self, token: str, user_id: str, job_id: str = "") -> None:
        """Says whose a plan is.

        Args:
            token: of the plan.
            job_id: "" for a synchronous request.
        """
        with self._lock:
            self._payers[token] = (user_id, job_id)

    def count(self, token: str, values: int) -> None:
        """So many values of a plan were computed; nobody pays for one that nobody has claimed."""
        with self._lock:
            if payer := self._payers.get(token):
                self._counted[payer] += values

    def charge(self, user_id: str, job_id: str, values: int) -> None:
        """So many values were computed for a job, as batches do."""
        with self._lock:
            self._counted[user_id, job_id] += values

    def flush(self) -> None:
        """Writes down what was counted since the last time. Blocks."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            self._add(counted)
        except BaseException:
            with self._lock:
                self._counted += counted
            raise

    def _add(self, counted: Mapping[tuple[str, str], int]) -> None:
        with writing(self._database) as connection:
            for (user_id, job_id), values in counted.items():
                row = (USAGE.c.user_id == user_id) & (USAGE.c.job_id == job_id)
                added = connection.execute(USAGE.update().where(row).values(pixels=USAGE.c.pixels + values))
                if not added.rowcount:
                    connection.execute(USAGE.insert().values(user_id=user_id, job_id=job_id, pixels=values))

    def credits(self, user_id: str) -> float:
        """All that a user has consumed. Blocks."""
        self.flush()
        with self._database.connect() as connection:
            values = connection.scalar(select(func.sum(USAGE.c.pixels)).where(USAGE.c.user_id == user_id))
        return _credits(values or 0)

    def of_jobs(self, user_id: str) -> Mapping[str, float]:
        """What each job of a user has consumed; jobs that have computed nothing are left out. Blocks."""
        self.flush()
        query = select(USAGE.c.job_id, USAGE.c.pixels).where(USAGE.c.user_id == user_id)
        with self._database.connect() as connection:
            return {row.job_id: _credits(row.pixels) for row in connection.execute(query)}


def _credits(values: int) -> float:
    return round(values / VALUES_PER_CREDIT, 6)
