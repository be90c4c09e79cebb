"""The tree of errors: as its docstring draws it, each with the contract's exit code."""

from __future__ import annotations

import inspect
import re

from teiten import errors


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn = re.findall(r"(\w+Error)\b", (inspect.getdoc(errors) or "").split("Inside a module")[0])
    made = {name for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, errors.TeitenError)}
    assert made == set(drawn)


def test_exit_codes_are_the_contracts() -> None:
    codes = {one.exit_code for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.TeitenError)}
    assert codes == {1, 2}
    assert errors.UsageError("x").exit_code == 2
    assert errors.LakeBusyError("x").exit_code == 1


def test_the_hint_follows_the_sentence() -> None:
    assert str(errors.InputError("There is no file x.", hint="Check its name.")) == "There is no file x. Check its name."
    assert str(errors.InputError("There is no file x.")) == "There is no file x."
