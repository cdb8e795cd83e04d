"""Transports and what is in the way of a hand-over, in words."""

from __future__ import annotations

from flask_babel import gettext as _

from delivery.bookings import TRACKING_TAKEN
from delivery.carrier_models import BookingStatus, CarrierBooking
from delivery.documents import weight_words as weight_words
from delivery.hand_over import Obstacle
from delivery.models import TrackingKind
from portal.depot.words import Words


def obstacle_words(obstacle: Obstacle) -> Words:
    """Say why a parcel cannot go with the others, and what to do."""
    return {
        Obstacle.BOOKING_REFUSED: Words(_("The carrier said no"), _("Open it to see why, and book again.")),
        Obstacle.BEING_BOOKED: Words(_("Being booked"), _("Wait a moment, then load the page again.")),
        Obstacle.NO_NUMBER: Words(_("No tracking number"), _("Open it and write the number.")),
        Obstacle.LABEL_OUTDATED: Words(_("Old label"), _("It now goes to the clinic. Open it and print a new label.")),
        Obstacle.ROW_CANCELLED: Words(_("Changed"), _("Something in it was cancelled. Open it and unpack it.")),
        Obstacle.RECALLED: Words(_("Recalled"), _("Something in it is called back. Open it and unpack it.")),
        Obstacle.DECEASED: Words(_("Must not be sent"), _("Open it and unpack it.")),
    }[obstacle]


def booking_words(booking: CarrierBooking) -> Words:
    """Say how it stands with a parcel's transport."""
    if booking.status is BookingStatus.BOOKED:
        return Words(_("The transport is booked"), "")
    if booking.status is BookingStatus.REFUSED:
        said = booking.problem
        if said == TRACKING_TAKEN:
            said = _("It gave a tracking number that another parcel has.")
        elif said:
            said = _("It says: %(words)s", words=said)
        return Words(_("The carrier said no"), said)
    return Words(
        _("The transport is being booked"), _("You can also write the number on the carrier's label yourself.")
    )


def tracking_words(kind: TrackingKind) -> str:
    """Say what has happened to a parcel on its way."""
    return {
        TrackingKind.HANDED_OVER: _("Handed over"),
        TrackingKind.IN_TRANSIT: _("On its way"),
        TrackingKind.AT_SERVICE_POINT: _("At the service point"),
        TrackingKind.RETURNED: _("On its way back to the depot"),
        TrackingKind.DELIVERED: _("Delivered"),
    }[kind]
