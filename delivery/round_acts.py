"""What a picker does at a stop besides scanning: each act as for a single order, and the round is known to be walked."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth.identity import Identity
from core.clock import now
from core.errors import NotFound
from delivery.errors import PickNotFound
from delivery.models import DepotOrder, PickedLot, PickLine, PickRound, ShortReason
from delivery.picking import scan, tick
from delivery.put_back import undo_pick, undo_short
from delivery.rounds import own_round
from delivery.shortage import short_pick


def tick_in_round(
    session: Session, identity: Identity, round_id: int, pick_line_id: int, lot_id: int, packages: int, *, key: str = ""
) -> PickedLot | None:
    """Pick packages of the wanted lot by hand. Locks and raises as `picking.tick`, and NotFound for another round's line."""
    pick_round = own_round(session, identity, round_id)
    picked = tick(
        session, identity, _order_of(session, pick_round, pick_line_id), pick_line_id, lot_id, packages, key=key
    )
    pick_round.last_act_at = now(session)
    return picked


def take_in_round(
    session: Session,
    identity: Identity,
    round_id: int,
    pick_line_id: int,
    lot_no: str,
    packages: int,
    *,
    key: str = "",
    serial_no: str = "",
) -> PickedLot | None:
    """Pick packages of a lot that was typed. Locks and raises as `picking.scan`, and NotFound for another round's line."""
    pick_round = own_round(session, identity, round_id)
    depot_order_id = _order_of(session, pick_round, pick_line_id)
    typed = f"{session.get_one(PickLine, pick_line_id).article.article_no} {lot_no}"
    picked = scan(
        session, identity, depot_order_id, typed, packages=packages, key=key, scanned=False, serial_no=serial_no
    )
    pick_round.last_act_at = now(session)
    return picked


def short_in_round(
    session: Session, identity: Identity, round_id: int, pick_line_id: int, reason: ShortReason
) -> PickLine:
    """Say that the rest of a line is missing. Locks and raises as `shortage.short_pick`, and NotFound for another round's line."""
    pick_round = own_round(session, identity, round_id)
    line = short_pick(session, identity, _order_of(session, pick_round, pick_line_id), pick_line_id, reason)
    pick_round.last_act_at = now(session)
    return line


def undo_in_round(
    session: Session, identity: Identity, round_id: int, picked_lot_id: int, *, key: str = "", serial_no: str = ""
) -> None:
    """Take one package out of its box. Locks and raises as `put_back.undo_pick`, and NotFound for another round's."""
    pick_round = own_round(session, identity, round_id)
    pick = session.get(PickedLot, picked_lot_id)
    if pick is None:
        raise PickNotFound
    undo_pick(
        session,
        identity,
        _order_of(session, pick_round, pick.pick_line_id),
        picked_lot_id,
        key=key,
        serial_no=serial_no,
    )
    pick_round.last_act_at = now(session)


def undo_short_in_round(session: Session, identity: Identity, round_id: int, pick_line_id: int) -> None:
    """Take back that a line was short. Locks and raises as `put_back.undo_short`, and NotFound for another round's line."""
    pick_round = own_round(session, identity, round_id)
    undo_short(session, identity, _order_of(session, pick_round, pick_line_id), pick_line_id)
    pick_round.last_act_at = now(session)


def _order_of(session: Session, pick_round: PickRound, pick_line_id: int) -> int:
    line = session.get(PickLine, pick_line_id)
    if line is None or session.get_one(DepotOrder, line.depot_order_id).pick_round_id != pick_round.id:
        raise NotFound
    return line.depot_order_id
