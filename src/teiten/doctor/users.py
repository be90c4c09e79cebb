"""Checks of who may see the dashboard: the list of users and its rights, and whether what is configured would be let out."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from teiten.doctor._base import Patient, Result, many
from teiten.errors import TeitenError

ORDER = 18


def check_users(p: Patient) -> list[Result] | None:
    """Can the users of the dashboard be read, by their owner alone, and is there an administrator?"""
    from teiten.web.users.store import Store, folder_of

    folder = folder_of(p.settings)
    try:
        known = Store(folder).known()
    except TeitenError as error:
        return [Result("wrong", f"nobody can log in: {error.message}", error.hint or "")]
    if known is None:
        return None
    out = list(_open(folder))
    roles = [one.role for one in known.users.values()]
    if roles and "administrator" not in roles:
        out.append(Result("look", "no user is administrator", "teiten users role NAME administrator"))
    late = [one for one in known.tokens if one.ends < p.now.timestamp()]
    tokens = many(len(known.tokens), "token") + (f", {len(late)} of them past its time" if late else "")
    return out or [Result("ok", f"{many(len(roles), 'user')}, {tokens}; {folder} is its owner's alone")]


def _open(folder: Path) -> Iterator[Result]:
    for path in (folder, *sorted(folder.glob("audit.jsonl*"))):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Result("look", f"others on this machine can look into {path}", f"chmod -R go= {folder}")


def check_dashboard(p: Patient) -> list[Result] | None:
    """Would `teiten serve` begin with the settings as they are, and is its key its own?"""
    from teiten.web import serving

    own = p.settings.serving
    if own == type(own)():
        return None
    try:
        serving.check(p.settings, own.host)
    except TeitenError as error:
        return [Result("wrong", f"teiten serve would not begin: {error.message}", error.hint or "")]
    if own.key is not None and own.certificate is not None:
        from teiten.station import certificates

        try:
            certificates.server(own.certificate, own.key)
        except TeitenError as error:
            return [Result("wrong", error.message, "Both in PEM, and of the same pair.")]
        if own.key.stat().st_mode & 0o007:
            return [Result("look", f"everybody on this machine can read {own.key}", f"chmod o= {own.key}")]
    return [Result("ok", f"teiten serve listens at {own.host}{', by TLS' if own.key else ''}")]
