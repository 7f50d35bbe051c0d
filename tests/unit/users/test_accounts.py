"""Who somebody is: passwords, tokens, attempts, and what was computed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from ogcserver.errors import CredentialsInvalid, InvalidParameter, TokenInvalid, TooManyAttempts, UnsupportedOperation
from ogcserver.jobs.store import JobStore
from ogcserver.users.accounts import Accounts
from ogcserver.users.attempts import Attempts
from ogcserver.users.credentials import Credentials
from ogcserver.users.store import UserStore
from ogcserver.users.usage import Usage
from tests.databases import database_url

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
GOOD = "correct horse"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(tmp_path: Path) -> JobStore:
    return JobStore(database_url(tmp_path))


@pytest.fixture
def accounts(jobs: JobStore, clock: Clock) -> Accounts:
    return Accounts(UserStore(jobs.database, clock), trust_s=0.0, hasher=QUICK, attempts=Attempts(3, 60.0))


def test_users_register_log_in_and_are_known(accounts: Accounts) -> None:
    async def run() -> None:
        made = await accounts.register(GOOD)
        assert await accounts.user(Credentials("basic", GOOD, made.user_id)) == made.user_id
        again = await accounts.login(made.user_id)
        assert again.user_id == made.user_id and again.token != made.token
        for token in (made.token, again.token):
            assert await accounts.user(Credentials("bearer", token)) == made.user_id

    asyncio.run(run())


def test_neither_passwords_nor_tokens_are_in_the_database(accounts: Accounts, jobs: JobStore) -> None:
    made = asyncio.run(accounts.register(GOOD))
    with jobs.database.connect() as connection:
        users = connection.execute(text("SELECT password FROM users")).scalars().all()
        tokens = connection.execute(text("SELECT hash FROM tokens")).scalars().all()
    assert users[0].startswith("$argon2id$") and GOOD not in users[0]
    assert made.token not in tokens[0]


def test_tokens_expire(accounts: Accounts, clock: Clock) -> None:
    made = asyncio.run(accounts.register(GOOD))
    clock.now += timedelta(days=30, seconds=1)
    with pytest.raises(TokenInvalid):
        asyncio.run(accounts.user(Credentials("bearer", made.token)))


@pytest.mark.parametrize("token", ["", "x", "\ud800", "'; --", "x" * 8000])
def test_unknown_tokens_are_refused(accounts: Accounts, token: str) -> None:
    with pytest.raises(TokenInvalid):
        asyncio.run(accounts.user(Credentials("bearer", token)))


@pytest.mark.parametrize("name", ["", "me", "u-0000000000000000", "\ud800", "\0", "' OR 1=1"])
def test_unknown_users_and_wrong_passwords_are_told_alike(accounts: Accounts, name: str) -> None:
    made = asyncio.run(accounts.register(GOOD))
    told = set()
    for user, password in ((name, GOOD), (made.user_id, "wrong")):
        with pytest.raises(CredentialsInvalid) as caught:
            asyncio.run(accounts.user(Credentials("basic", password, user)))
        told.add(caught.value.message)
    assert len(told) == 1


def test_passwords_cannot_be_tried_for_ever(accounts: Accounts) -> None:
    made = asyncio.run(accounts.register(GOOD))
    other = asyncio.run(accounts.register(GOOD))
    for _ in range(3):
        with pytest.raises(CredentialsInvalid):
            asyncio.run(accounts.user(Credentials("basic", "wrong", made.user_id)))
    with pytest.raises(TooManyAttempts):
        asyncio.run(accounts.user(Credentials("basic", GOOD, made.user_id)))
    assert asyncio.run(accounts.user(Credentials("basic", GOOD, other.user_id))) == other.user_id
    assert asyncio.run(accounts.user(Credentials("bearer", made.token))) == made.user_id


def test_attempts_are_forgotten_in_time_and_in_number() -> None:
    now = [0.0]
    attempts = Attempts(1, 10.0, keep=5, timer=lambda: now[0])
    attempts.failed("a")
    with pytest.raises(TooManyAttempts):
        attempts.check("a")
    now[0] = 11.0
    attempts.check("a")
    for number in range(100):
        attempts.failed(str(number))
    assert len(attempts._wrong) <= 5


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_passwords_have_a_length(accounts: Accounts, password: str) -> None:
    with pytest.raises(InvalidParameter):
        asyncio.run(accounts.register(password))


def test_an_operator_may_close_registration(jobs: JobStore) -> None:
    with pytest.raises(UnsupportedOperation):
        asyncio.run(Accounts(UserStore(jobs.database), open_to_all=False).register(GOOD))


def test_usage_adds_up_over_processes_and_restarts(jobs: JobStore) -> None:
    one, two = Usage(jobs.database), Usage(jobs.database)
    for usage in (one, two, one):
        usage.claim("plan", "me", "j-1")
        usage.count("plan", 1_500_000)
        usage.flush()
    one.count("unclaimed", 10**9)
    one.claim("plan", "me")
    one.count("plan", 500_000)
    one.charge("you", "j-2", 1_000_000)
    assert (one.credits("me"), one.credits("you"), one.credits("nobody")) == (5.0, 1.0, 0.0)
    assert one.of_jobs("me") == {"j-1": 4.5, "": 0.5}
    assert Usage(jobs.database).credits("me") == 5.0


def test_an_older_database_gets_the_new_columns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    store = JobStore(url)
    job = store.add_job("me", {"product_id": "x"})
    service = store.add_service("me", job.id, "wms", {})
    with store.database.begin() as connection:
        connection.execute(text("ALTER TABLE services DROP COLUMN public"))
    store.close()
    assert JobStore(url).service(service.id) == service
