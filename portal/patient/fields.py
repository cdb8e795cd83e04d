"""Form fields that several of the patient's pages have."""

from __future__ import annotations

from portal.fields import DayField as DayField
