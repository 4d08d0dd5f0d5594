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
from sqlalchemy import (
    BigInteger, Boolean, Integer, String, Uuid, cast, delete, func, insert, literal, select, text, tuple_, update
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
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
    __table_args__ = {"schema": "todo"}
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ListRow(Base):
    __tablename__ = "task_lists"
    __table_args__ = {"schema": "todo"}
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]
    open: Mapped[int]
    done: Mapped[int]


class ChangeRow(Base):
    __tablename__ = "task_changes"
    __table_args__ = {"schema": "todo"}
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    task_id: Mapped[UUID]
    changed_at: Mapped[datetime]


class TaskRow(Base):
    __tablename__ = "tasks"
    __table_args__ = {"schema": "todo"}
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column("owner_id")
    title: Mapped[str]
    description: Mapped[str | None]
    is_completed: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revision: Mapped[int] = mapped_column(BigInteger)


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
    total = await db.scalar(select(ListRow.open + ListRow.done).where(ListRow.owner_id == me))
    after = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return TaskPage(tasks=rows[:limit], total=total, limit=limit, offset=offset, next_cursor=after)


def journal_of(change):
    """Writes a change, which has its number from the owner's list, into the journal."""
    written = select(change.c.owner_id, change.c.revision, change.c.id, change.c.touched)
    return insert(ChangeRow).from_select(["owner_id", "revision", "task_id", "changed_at"], written).cte("journal")


@tasks.post("", status_code=201)
async def create_task(given: Content, db: Db, me: Owner, response: Response) -> Task:
    counted = {"revision": ListRow.revision + 1, "open": ListRow.open + 1, "changed_at": func.greatest(func.now(), ListRow.changed_at)}
    change = update(ListRow).where(ListRow.owner_id == me).values(counted).returning(
        ListRow.owner_id, ListRow.revision, literal(uuid7(), Uuid).label("id"), ListRow.changed_at.label("touched")
    ).cte("change")
    content = [literal(given.title, String), literal(given.description, String)]
    made = select(change.c.owner_id, change.c.id, *content, change.c.touched, change.c.touched, change.c.revision)
    columns = ["owner_id", "id", "title", "description", "created_at", "updated_at", "revision"]
    query = insert(TaskRow).from_select(columns, made, include_defaults=False).add_cte(journal_of(change)).returning(TaskRow)
    task = await db.scalar(query)
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


def change_of(task_id: UUID, me: UUID, after, removed: bool = False):
    """Locks the owner's list, then the task, and counts the change. `after`: whether the task is done then."""
    locked = select(ListRow.owner_id, ListRow.changed_at).where(ListRow.owner_id == me).with_for_update().cte("locked")
    touched = func.greatest(func.now(), locked.c.changed_at, TaskRow.updated_at + text("interval '1 millisecond'")).label("touched")
    task = select(TaskRow.id, TaskRow.is_completed, after.label("next"), touched).where(
        TaskRow.user_id == locked.c.owner_id, TaskRow.id == task_id
    ).with_for_update(of=TaskRow).cte("task")
    before, then = cast(task.c.is_completed, Integer), cast(task.c.next, Integer)
    totals = {"open": ListRow.open - 1 + before, "done": ListRow.done - before} if removed else {
        "open": ListRow.open + before - then, "done": ListRow.done - before + then
    }
    return update(ListRow).where(ListRow.owner_id == me, task.c.id == task_id).values(
        revision=ListRow.revision + 1, changed_at=task.c.touched, **totals
    ).returning(ListRow.owner_id, ListRow.revision, task.c.id, task.c.next, task.c.touched).cte("change")


async def changed(db: AsyncSession, task_id: UUID, me: UUID, after, **values) -> TaskRow:
    change = change_of(task_id, me, after)
    numbered = {"is_completed": change.c.next, "updated_at": change.c.touched, "revision": change.c.revision}
    query = update(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == me, change.c.id == TaskRow.id).values(
        **values, **numbered
    ).add_cte(journal_of(change)).returning(TaskRow)
    task = await db.scalar(query, execution_options={"synchronize_session": False})
    await db.commit()
    return found(task)


@tasks.put("/{task_id}")
async def update_task(task_id: UUID, given: Content, db: Db, me: Owner) -> Task:
    return await changed(db, task_id, me, TaskRow.is_completed, **given.model_dump())


@tasks.patch("/{task_id}/complete")
async def complete_task(task_id: UUID, given: Annotated[Completion, Body()], db: Db, me: Owner) -> Task:
    return await changed(db, task_id, me, literal(given.is_completed, Boolean))


@tasks.delete("/{task_id}", status_code=204)
async def delete_task(task_id: UUID, db: Db, me: Owner) -> None:
    change = change_of(task_id, me, literal(False, Boolean), removed=True)
    query = delete(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == me, change.c.id == TaskRow.id).add_cte(journal_of(change))
    done = await db.execute(query, execution_options={"synchronize_session": False})
    await db.commit()
    if done.rowcount == 0:
        raise HTTPException(404, "Task not found")


app.include_router(tasks)
