"""What regions differ in: one TOML file per region, sections typed by the package that owns the rule."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints


class PolicyProblem(Exception):
    """A policy file is not usable; the message names the file, the section and the field."""


class Section(Protocol):
    """A frozen dataclass that declares one section of the policy files."""

    SECTION: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


T = TypeVar("T", bound=Section)


@dataclass(frozen=True)
class Policy:
    """One region's policy."""

    region: str
    source: str
    _sections: dict[str, dict[str, Any]]
    _typed: dict[type[Section], Section] = field(default_factory=dict, init=False, repr=False, compare=False)

    def section(self, kind: type[T]) -> T:
        """Return the section as its dataclass; unknown, missing and wrongly typed fields raise PolicyProblem.

        Read once: rules ask for it many times in one request.
        """
        typed = self._typed.get(kind)
        if typed is None:
            typed = self._typed[kind] = self._read(kind)
        return cast(T, typed)

    def _read(self, kind: type[T]) -> T:
        values = self._sections.get(kind.SECTION, {})
        if not isinstance(values, dict):
            raise PolicyProblem(f"{self.source}: {kind.SECTION} is not a section")
        hints = get_type_hints(kind)
        fields = {item.name: item for item in dataclasses.fields(kind)}
        for name in values.keys() - fields.keys():
            raise PolicyProblem(f"{self.source}: [{kind.SECTION}] has no field {name}")
        for name, item in fields.items():
            required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            if name not in values and required:
                raise PolicyProblem(f"{self.source}: [{kind.SECTION}] lacks {name}")
        converted = {}
        for name, value in values.items():
            try:
                converted[name] = _convert(value, hints[name])
            except _Misfit as misfit:
                raise PolicyProblem(f"{self.source}: [{kind.SECTION}] {name} {misfit}") from None
        try:
            return kind(**converted)
        except ValueError as problem:
            # What a section refuses of its fields taken together.
            raise PolicyProblem(f"{self.source}: [{kind.SECTION}] {problem}") from None

    @property
    def section_names(self) -> frozenset[str]:
        """The sections that the file has."""
        return frozenset(self._sections)


class _Misfit(Exception):
    """A value is not what its field is declared to be."""


def _convert(value: Any, hint: Any) -> Any:
    """Return a TOML value as the field's type: int, bool, str, a StrEnum, or a tuple of one of these."""
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise _Misfit("is not a list")
        return tuple(_convert(one, get_args(hint)[0]) for one in value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if value not in set(hint):
            raise _Misfit(f"is not one of {', '.join(hint)}")
        return hint(value)
    # A TOML true is no number, though Python says so.
    if type(value) is not hint:
        raise _Misfit("has the wrong type")
    if hint is int and value < 0:
        raise _Misfit("is below zero")
    return value


class Policies:
    """The policies of every region that this installation serves."""

    def __init__(self, policies: dict[str, Policy]) -> None:
        self._policies = policies

    @classmethod
    def load(cls, folder: Path, regions: Collection[str] = ()) -> Policies:
        """Read `<region>.toml` of the regions named, or all in `folder`; raise PolicyProblem when one is missing or unusable."""
        policies = {}
        for path in sorted(folder.glob("*.toml")):
            if regions and path.stem not in regions:
                continue
            try:
                sections = tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
                raise PolicyProblem(f"{path.name}: {problem}") from problem
            policies[path.stem] = Policy(path.stem, path.name, sections)
        for region in regions:
            if region not in policies:
                raise PolicyProblem(f"there is no policy file {region}.toml in {folder}")
        if not policies:
            raise PolicyProblem(f"no policy file in {folder}")
        return cls(policies)

    def check(self, kinds: Collection[type[Section]]) -> None:
        """Read every section of every region; raise PolicyProblem for the first that is unusable, or that nobody declares."""
        declared = {kind.SECTION for kind in kinds}
        for region in self.regions:
            policy = self._policies[region]
            for name in sorted(policy.section_names - declared):
                raise PolicyProblem(f"{policy.source}: there is no section [{name}]")
            for kind in kinds:
                policy.section(kind)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions served, in name order."""
        return tuple(sorted(self._policies))

    def of(self, region: str) -> Policy:
        """Return a region's policy; raise PolicyProblem for a region that is not served."""
        try:
            return self._policies[region]
        except KeyError:
            raise PolicyProblem(f"region {region} is not served here") from None


_policies: Policies | None = None


def use_policies(policies: Policies) -> None:
    """Give this process its policies; called once by each entry point."""
    global _policies
    _policies = policies


def served_regions() -> tuple[str, ...]:
    """Return the regions served, in name order; raise RuntimeError when no entry point gave any policies."""
    if _policies is None:
        raise RuntimeError("no policies: call core.policy.use_policies at start")
    return _policies.regions


def policy_of(region: str) -> Policy:
    """Return a region's policy as given at start; raise RuntimeError when no entry point gave any."""
    if _policies is None:
        raise RuntimeError("no policies: call core.policy.use_policies at start")
    return _policies.of(region)
