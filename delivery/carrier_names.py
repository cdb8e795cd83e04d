"""What carriers are called: the national contract's words and the names they go by."""

from __future__ import annotations

from orders.kinds import ServicePointProvider

CARRIERS = {
    ServicePointProvider.DHL.value: "DHL",
    ServicePointProvider.POSTNORD.value: "PostNord",
    ServicePointProvider.SCHENKER.value: "DB Schenker",
}
