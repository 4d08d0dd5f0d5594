"""The same operations with FastAPI, SQLAlchemy (async) and asyncpg, as its documentation writes them."""

import asyncio
import base64
import os
import time
from datetime import datetime
from typing import Annotated
from uuid import UUID

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import APIRouter, Body, Depends, FastAPI, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql import text
from uuid_utils.compat import uuid7

SECRET = os.environ["SECRET_KEY"]
ISSUER = "todo-backend"

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["POOL_SIZE"]), max_overflow=0,
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: TIMESTAMP(timezone=True)}


class UserRow(Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TaskRow(Base):
    __tablename__ = "tasks"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column("owner_id")
    title: Mapped[str]
    description: Mapped[str | None]
    is_completed: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(Strict):
    email: str = Field(max_length=255)
    password: str = Field(max_length=1024)


class Content(Strict):
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(None, max_length=2000)


class Completion(Strict):
    is_completed: bool


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class User(Shown):
    id: UUID
    email: str
    name: str
    created_at: datetime


class Task(Shown):
    id: UUID
    title: str
    description: str | None
    is_completed: bool
    user_id: UUID
    created_at: datetime
    updated_at: datetime


class TaskPage(BaseModel):
    tasks: list[Task]
    total: int | None = None
    limit: int
    offset: int | None = None
    next_cursor: str | None


class LoginAnswer(BaseModel):
    access_token: str
    token_type: str
    expires_in: int
    user: User


async def session():
    async with Session() as opened:
        yield opened


async def owner(authorization: Annotated[str, Header()] = "") -> UUID:
    try:
        token = authorization.partition(" ")[2]
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=ISSUER, audience=ISSUER, options={"require": ["exp", "sub"]})
        return UUID(claims["sub"])
    except (jwt.InvalidTokenError, ValueError) as error:
        raise HTTPException(401, "Invalid authentication credentials") from error


Db = Annotated[AsyncSession, Depends(session)]
Owner = Annotated[UUID, Depends(owner)]
app = FastAPI()
tasks = APIRouter(prefix="/api/tasks")
hasher = PasswordHasher()
touched = func.greatest(func.clock_timestamp(), TaskRow.updated_at + text("interval '1 millisecond'"))
newest = (TaskRow.created_at.desc(), TaskRow.id.desc())


@app.post("/api/auth/login")
async def login(given: Login, db: Db) -> LoginAnswer:
    user = await db.scalar(select(UserRow).where(UserRow.email == given.email))
    await db.commit()
    if user is None:
        raise HTTPException(401, "Invalid email or password")
    try:
        await asyncio.to_thread(hasher.verify, user.password_hash, given.password)
    except VerifyMismatchError as error:
        raise HTTPException(401, "Invalid email or password") from error
    now = int(time.time())
    claims = {"sub": str(user.id), "email": user.email, "iss": ISSUER, "aud": ISSUER, "iat": now, "exp": now + 1800}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    return LoginAnswer(access_token=token, token_type="bearer", expires_in=1800, user=User.model_validate(user))


def cursor_of(task: TaskRow) -> str:
    return base64.urlsafe_b64encode(f"{task.created_at.isoformat()}|{task.id}".encode()).decode()


@tasks.get("", response_model_exclude_unset=True)
async def list_tasks(
    db: Db, me: Owner, limit: Annotated[int, Query(ge=1, le=100)] = 50, offset: Annotated[int, Query(ge=0)] = 0, cursor: str | None = None
) -> TaskPage:
    query = select(TaskRow).where(TaskRow.user_id == me).order_by(*newest).limit(limit + 1)
    if cursor is not None:
        at, task_id = base64.urlsafe_b64decode(cursor).decode().split("|")
        query = query.where(tuple_(TaskRow.created_at, TaskRow.id) < (datetime.fromisoformat(at), UUID(task_id)))
        rows = (await db.scalars(query)).all()
        after = cursor_of(rows[limit - 1]) if len(rows) > limit else None
        return TaskPage(tasks=rows[:limit], limit=limit, next_cursor=after)
    rows = (await db.scalars(query.offset(offset))).all()
    total = await db.scalar(select(func.count()).select_from(TaskRow).where(TaskRow.user_id == me))
    after = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return TaskPage(tasks=rows[:limit], total=total, limit=limit, offset=offset, next_cursor=after)


@tasks.post("", status_code=201)
async def create_task(given: Content, db: Db, me: Owner, response: Response) -> Task:
    values = {"id": uuid7(), "user_id": me, **given.model_dump()}
    task = await db.scalar(insert(TaskRow).values(values).returning(TaskRow))
    await db.commit()
    response.headers["location"] = f"/api/tasks/{task.id}"
    return task


def found(task: TaskRow | None) -> TaskRow:
    if task is None:
        raise HTTPException(404, "Task not found")
    return task


@tasks.get("/{task_id}")
async def get_task(task_id: UUID, db: Db, me: Owner) -> Task:
    return found(await db.scalar(select(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == me)))


async def changed(db: AsyncSession, task_id: UUID, me: UUID, **values) -> TaskRow:
    query = update(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == me).values(**values, updated_at=touched).returning(TaskRow)
    task = await db.scalar(query, execution_options={"synchronize_session": False})
    await db.commit()
    return found(task)


@tasks.put("/{task_id}")
async def update_task(task_id: UUID, given: Content, db: Db, me: Owner) -> Task:
    return await changed(db, task_id, me, **given.model_dump())


@tasks.patch("/{task_id}/complete")
async def complete_task(task_id: UUID, given: Annotated[Completion, Body()], db: Db, me: Owner) -> Task:
    return await changed(db, task_id, me, is_completed=given.is_completed)


@tasks.delete("/{task_id}", status_code=204)
async def delete_task(task_id: UUID, db: Db, me: Owner) -> None:
    done = await db.execute(delete(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == me))
    await db.commit()
    if done.rowcount == 0:
        raise HTTPException(404, "Task not found")


app.include_router(tasks)
