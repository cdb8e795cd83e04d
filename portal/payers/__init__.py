"""What a unit's patients cost in a month."""

from portal.payers.views import blueprint as blueprint
