"""Which regions this installation serves, and that every one of their policies is usable: asked once, at start."""

from __future__ import annotations

from auth.relations import ActingPolicy
from core.policy import Policies, PolicyProblem, use_policies
from delivery.complaints.policy import ComplaintsPolicy
from delivery.policy import DeliveryPolicy
from orders.contract.policy import ContractPolicy
from orders.policy import CustomerServicePolicy, OrderingPolicy, PayerPolicy, PrescribingPolicy
from orders.source.policy import SourcePolicy
from portal.config import Settings

SECTIONS = (
    OrderingPolicy,
    PrescribingPolicy,
    PayerPolicy,
    CustomerServicePolicy,
    ActingPolicy,
    DeliveryPolicy,
    ComplaintsPolicy,
    ContractPolicy,
    SourcePolicy,
)
_USUAL = "vgr"


def load_policies(settings: Settings) -> Policies:
    """Read the served regions' policies, all of each; raise PolicyProblem naming file, section and field."""
    policies = Policies.load(settings.policy_dir, settings.regions)
    policies.check(SECTIONS)
    for region in policies.regions:
        policy = policies.of(region)
        if policy.section(SourcePolicy).lives_elsewhere and policy.section(ContractPolicy).logical_addresses:
            raise PolicyProblem(
                f"{policy.source}: [source] and [contract] exclude each other: prescriptions live in one place"
            )
    if settings.default_region and settings.default_region not in policies.regions:
        raise PolicyProblem(f"PORTAL_DEFAULT_REGION {settings.default_region} is not a region that is served here")
    return policies


def serve_regions(settings: Settings) -> Policies:
    """Read the policies as `load_policies` and give them to this process."""
    policies = load_policies(settings)
    use_policies(policies)
    return policies


def default_region(settings: Settings, policies: Policies) -> str:
    """Return the region whose words somebody reads before they have logged in."""
    if settings.default_region:
        return settings.default_region
    return _USUAL if _USUAL in policies.regions else policies.regions[0]
