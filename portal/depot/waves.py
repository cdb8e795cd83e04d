"""The day's work plan: a carrier's orders become a wave, and what was left alone gets a new picker."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from auth.permissions import Permission
from core.clock import today as today_of
from core.errors import DomainError, NotFound, NotPermitted
from delivery import overview, queries
from delivery.leaving_rounds import left_alone, take_over as go_on_with
from delivery.recalled import stopped_by_recalls
from delivery.rounds import begun_round
from delivery.warehouse_parts import is_elsewhere
from delivery.warehouse_queries import warehouse_to_do
from delivery.waves import plan_wave as plan_carrier
from portal.depot import forms, round_words, words
from portal.depot.blueprint import blueprint
from portal.security import current_identity, requires, unit_of_work


@blueprint.get("/depot")
@requires(Permission.SEE_DEPOT)
def today() -> ResponseReturnValue:
    """Show what somebody must look at, what is to be planned, the day's numbers and how it goes."""
    identity = current_identity()
    with unit_of_work() as session:
        hours = overview.throughput(session, identity)
        return render_template(
            "depot/today.html",
            stopped=stopped_by_recalls(session, identity),
            day=today_of(session),
            numbers=queries.numbers_of_today(session, identity),
            exceptions=queries.exceptions(session, identity),
            left_alone=left_alone(session, identity),
            too_few=overview.too_few(session, identity),
            counts_waiting=overview.counts_waiting(session, identity),
            waves=overview.waves_to_plan(session, identity),
            warehouse_to_do=warehouse_to_do(session, identity) if is_elsewhere(identity.region) else 0,
            begun=begun_round(session, identity),
            to_pack=queries.packing_list(session, identity),
            hours=hours,
            busiest=round_words.busiest(hours),
            words=words,
        )


@blueprint.post("/depot/waves")
@requires(Permission.PICK)
def plan_wave() -> ResponseReturnValue:
    """Plan the waiting orders of a carrier."""
    form = forms.WaveForm()
    if not form.validate_on_submit():
        flash(_("That did not work"), "attention")
        return redirect(url_for("depot.today"), 303)
    carrier = form.carrier.data or ""
    with unit_of_work() as session:
        plan = plan_carrier(session, current_identity(), carrier)
        said = round_words.wave_result(carrier, plan) if plan else _("Nothing waits for %(carrier)s.", carrier=carrier)
        tone = "info" if plan is None else "attention" if plan.short_lines or plan.waiting_orders else "success"
    flash(said, tone)
    return redirect(url_for("depot.today"), 303)


@blueprint.post("/depot/picks/<int:depot_order_id>/take-over")
@requires(Permission.PICK)
def take_over(depot_order_id: int) -> ResponseReturnValue:
    """Go on with an order that its picker left alone."""
    try:
        with unit_of_work() as session:
            go_on_with(session, current_identity(), depot_order_id)
    except (NotFound, NotPermitted):
        raise
    except DomainError as problem:
        refused = words.refusal(problem)
        flash(f"{refused.text}. {refused.detail}", "attention")
        return redirect(url_for("depot.today"), 303)
    return redirect(url_for("depot.pick", depot_order_id=depot_order_id), 303)
