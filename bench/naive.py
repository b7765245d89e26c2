"""The design most would write first: an async session in the request, a commit, then `send_and_wait`, then the answer.

It is kept as the yardstick and for what it cannot promise: a crash between the commit and the send loses the event of a
stored case; a retry stores twice; versions of one child have no order on the log; nothing is audited.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import uuid4

import uvicorn
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel

from services.ae_intake.commands import SubmitCase

TOPIC = "naive.cases"
engine = create_async_engine(
    os.environ.get("NAIVE_DATABASE_URL", "postgresql+psycopg://"), pool_size=16, max_overflow=48
)
producer: AIOKafkaProducer


class NaiveCase(SQLModel, table=True):
    __tablename__: ClassVar[str] = "naive_cases"  # type: ignore[misc]
    id: str = Field(primary_key=True)
    subject_id: str | None = Field(default=None, index=True)
    reported_by: str
    body: str
    recorded_at: datetime


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    global producer  # noqa: PLW0603
    async with engine.begin() as connection:
        await connection.run_sync(NaiveCase.__table__.create)  # type: ignore[attr-defined]
    admin = AIOKafkaAdminClient(bootstrap_servers=os.environ["NAIVE_KAFKA"])
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 12, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["NAIVE_KAFKA"], acks="all")
    await producer.start()
    yield
    await producer.stop()


async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as one:
        yield one


app = FastAPI(lifespan=lifespan)


@app.post("/api/v1/cases", status_code=201)
async def submit(
    body: SubmitCase,
    db: Annotated[AsyncSession, Depends(session)],
    who: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> dict[str, object]:
    text = body.model_dump_json()
    case = NaiveCase(
        id=str(uuid4()),
        subject_id=body.subject_id,
        reported_by=who.credentials[:8],
        body=text,
        recorded_at=datetime.now(UTC),
    )
    db.add(case)
    await db.commit()
    event = {"case_id": case.id, "case": json.loads(text), "recorded_at": case.recorded_at.isoformat()}
    await producer.send_and_wait(TOPIC, json.dumps(event).encode(), key=(body.subject_id or "").encode())
    return {"case_id": case.id, "version": 1, "subject_id": case.subject_id, "recorded_at": case.recorded_at}


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False)
