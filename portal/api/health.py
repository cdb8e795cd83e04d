"""Is the process alive, and can it serve people?"""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from portal.migrations import newest_revision, revision_of
from portal.security import database, public

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public("a load balancer asks whether the process lives")
def alive() -> ResponseReturnValue:
    """Answer that the process is alive."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@public("a load balancer asks whether people can be served")
def ready() -> ResponseReturnValue:
    """Answer 200 when the database is there and migrated; the queue is told of, but people can order without it."""
    try:
        is_ready = revision_of(database().engine) == newest_revision()
        state = "ready" if is_ready else "not migrated"
    except OperationalError:
        is_ready, state = False, "away"
    return jsonify(database=state, queue=_queue_state()), 200 if is_ready else 503


def _queue_state() -> str:
    try:
        url = str(current_app.extensions["redis_url"])
        Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5).ping()
    except RedisError:
        return "away"
    return "ready"
