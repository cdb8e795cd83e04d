"""Every action that the code writes to the access log has words in both languages, and no words stand unused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from portal.access_words import ACTIONS
from portal.commands.translations import read

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "auth", "orders", "delivery", "portal")


class Recorders:
    """Finds what is given as the action to `core.audit.record`, through the helpers that pass on their own parameter."""

    def __init__(self) -> None:
        self.modules = {
            str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
            for package in PACKAGES
            for path in (ROOT / package).rglob("*.py")
            if "node_modules" not in path.parts
        }
        # Where the action stands among the positional arguments; a private helper counts in its own module only.
        self.positions: dict[tuple[str, str], int] = {("", "record"): 2}
        known = 0
        while known < len(self.positions):
            known = len(self.positions)
            self.patterns = {pattern for name in self.modules for pattern in self._module(name)}

    def _module(self, name: str) -> Iterator[str]:
        tree = self.modules[name]
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            parameters = [argument.arg for argument in function.args.args]
            for call in ast.walk(function):
                action = self._action(name, call)
                if isinstance(action, ast.Name) and action.id in parameters:
                    module = name if function.name.startswith("_") else ""
                    self.positions[module, function.name] = parameters.index(action.id)
                elif action is not None:
                    yield from self._texts(f"{name}:{action.lineno}", action, constants)

    def _action(self, module: str, call: ast.AST) -> ast.expr | None:
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        position = self.positions.get((module, call.func.id), self.positions.get(("", call.func.id)))
        return call.args[position] if position is not None else None

    def _texts(self, where: str, action: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
        """Yield an action as a regular expression; what a formatted string fills in is any word."""
        match action:
            case ast.Constant(value=str(text)):
                yield re.escape(text)
            case ast.JoinedStr(values=parts):
                yield "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z_]+" for p in parts)
            case ast.IfExp(body=first, orelse=second):
                yield from self._texts(where, first, constants)
                yield from self._texts(where, second, constants)
            case ast.Name(id=name) if name in constants:
                yield from self._texts(where, constants[name], constants)
            case _:
                raise AssertionError(f"{where}: which action is written cannot be read from the code")


def test_every_action_has_words_and_every_word_an_action() -> None:
    patterns = Recorders().patterns
    assert len(patterns) > 40
    wordless = {pattern for pattern in patterns if not any(re.fullmatch(pattern, action) for action in ACTIONS)}
    assert not wordless, f"no words in portal/access_words.py for {wordless}"
    unused = {action for action in ACTIONS if not any(re.fullmatch(pattern, action) for pattern in patterns)}
    assert not unused, f"nothing writes {unused}"


def test_the_words_are_in_both_languages() -> None:
    swedish = read("sv")
    for action, words in ACTIONS.items():
        english = words._args[0]
        message = swedish.get(english)
        assert english.strip(), action
        assert message is not None, action
        assert message.string, action
        assert message.string != english, action
