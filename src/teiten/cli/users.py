"""teiten users: who may see the dashboard, tokens for programs, and the log of what was done there."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from teiten.cli._common import add_settings
from teiten.cli._output import add_output, write_rows
from teiten.errors import TeitenError, UsageError
from teiten.hosting import ROLES

if TYPE_CHECKING:
    from teiten.settings import Settings
    from teiten.web.users.audit import Audit
    from teiten.web.users.store import Store

NAME = "users"
HELP = "who may see the dashboard: users with passwords and roles, tokens for programs, the audit log"
EXAMPLE = """\
  teiten users add mari --role administrator
  teiten users add ken < password.txt
  teiten users token ken --label "weekly graph" --scope read --days 90
  teiten users list
  teiten users audit -n 50"""
_PASSWORD = "asked for at the terminal, else the first line of the standard input; it is never an argument"


def arguments(parser: argparse.ArgumentParser) -> None:
    subs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = subs.add_parser("add", help=f"a new user; the password is {_PASSWORD}")
    add.add_argument("name", metavar="NAME", help="small letters, digits and . _ - + @")
    add.add_argument("--role", choices=ROLES, default=ROLES[0], help="what they may (default: viewer)")
    password = subs.add_parser("password", help=f"another password, {_PASSWORD}; ends all logins of that user")
    role = subs.add_parser("role", help="another role, from the next request on")
    remove = subs.add_parser("remove", help="remove a user, their logins and tokens")
    token = subs.add_parser("token", help="make a token for programs, shown this once")
    for one in (password, role, remove, token):
        one.add_argument("name", metavar="NAME", help="the user")
    role.add_argument("role", choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}")
    token.add_argument("--label", required=True, metavar="TEXT", help="what it is for")
    token.add_argument(
        "--scope", action="append", choices=("read", "events", "sql"),
        help="read: counts (the default); events: events and single sources; sql: the SQL console; several are possible",
    )  # fmt: skip
    token.add_argument("--days", type=int, default=90, metavar="N", help="how long it is valid (default: 90, at most 366)")
    revoke = subs.add_parser("revoke", help="end a token at once")
    revoke.add_argument("id", metavar="ID", help="as `list --tokens` shows it")
    listed = subs.add_parser("list", help="the users, or their tokens")
    listed.add_argument("--tokens", action="store_true", help="tokens in place of users")
    audit = subs.add_parser("audit", help="logins, forms, tokens, queries and exports, the last ones last")
    audit.add_argument("-n", type=int, default=100, metavar="N", help="lines (default: 100)")
    for one in (listed, audit):
        add_output(one)
    for one in subs.choices.values():
        one.add_argument("--lake", metavar="DIR", help="the lake's folder (default: teiten-lake)")
        add_settings(one)


def main(args: argparse.Namespace) -> int:
    from teiten import settings
    from teiten.web.users.audit import Audit
    from teiten.web.users.store import Store, folder_of

    chosen = settings.load(config=args.config, lake=args.lake)
    folder = folder_of(chosen)
    return int(_ACTIONS[args.action](args, Store(folder), Audit(folder), chosen))


def _add(args: argparse.Namespace, store: Store, audit: Audit, chosen: Settings) -> int:
    if not chosen.lake.is_dir() and chosen.serving.users is None:
        raise TeitenError(f"There is no lake {chosen.lake} whose users these would be.", hint="Name it with --lake.")
    known = store.known()
    first = not (known and known.users)
    store.add(args.name, args.role, _password(args.name))
    audit.tell("user added", _me(), user=args.name, role=args.role)
    print(f"{args.name}: {args.role}. Kept in {store.path}.", file=sys.stderr)
    if first:
        print("From now on the dashboard asks everybody who they are.", file=sys.stderr)
        if args.role != "administrator":
            print("Nobody is administrator yet: teiten users add NAME --role administrator", file=sys.stderr)
    return 0


def _change_password(args: argparse.Namespace, store: Store, audit: Audit, _: Settings) -> int:
    _there(store, args.name)
    store.password(args.name, _password(args.name))
    audit.tell("password changed", _me(), user=args.name)
    print(f"{args.name}: changed; all their logins have ended.", file=sys.stderr)
    return 0


def _role(args: argparse.Namespace, store: Store, audit: Audit, _: Settings) -> int:
    store.role(args.name, args.role)
    audit.tell("role changed", _me(), user=args.name, role=args.role)
    print(f"{args.name}: {args.role}.", file=sys.stderr)
    return 0


def _remove(args: argparse.Namespace, store: Store, audit: Audit, _: Settings) -> int:
    gone = store.remove(args.name)
    audit.tell("user removed", _me(), user=args.name)
    tokens = f", and {gone} token{'' if gone == 1 else 's'}" if gone else ""
    print(f"{args.name}: removed{tokens}.", file=sys.stderr)
    known = store.known()
    if known is not None and not known.users:
        print(
            "That was the last user. A server that runs lets nobody in any more; one that is started anew listens on this "
            "machine alone, and asks nobody who they are.",
            file=sys.stderr,
        )
    return 0


def _token(args: argparse.Namespace, store: Store, audit: Audit, _: Settings) -> int:
    one, text = store.token(args.name, args.label, tuple(args.scope or ("read",)), args.days)
    audit.tell("token made", _me(), user=args.name, token=one.id, name=one.label, scopes=" ".join(one.scopes))
    print(f"Token {one.id} of {one.user} ({', '.join(one.scopes)}). It is shown this once:", file=sys.stderr)
    print(text)
    return 0


def _revoke(args: argparse.Namespace, store: Store, audit: Audit, _: Settings) -> int:
    gone = store.revoke(args.id)
    audit.tell("token revoked", _me(), user=gone.user, token=gone.id, name=gone.label)
    print(f"{gone.id} of {gone.user} ({gone.label}): refused from the next request on.", file=sys.stderr)
    return 0


def _list(args: argparse.Namespace, store: Store, _: Audit, __: Settings) -> int:
    from teiten.web.users.store import day

    known = store.known()
    users = sorted(known.users.values(), key=lambda one: one.name) if known else []
    if args.tokens:
        rows = [
            {"id": one.id, "user": one.user, "for": one.label, "scopes": ", ".join(one.scopes), "made": day(one.made),
             "first_used": day(one.used) if one.used else "", "ends": day(one.ends)}
            for one in (known.tokens if known else ())
        ]  # fmt: skip
        columns: tuple[str, ...] = ("id", "user", "for", "scopes", "made", "first_used", "ends")
    else:
        rows = [{"name": one.name, "role": one.role, "made": day(one.made), "password_of": day(one.changed)} for one in users]
        columns = ("name", "role", "made", "password_of")
    if not rows and args.output == "table":
        print("There are none." if users else "There are no users: teiten users add NAME --role administrator", file=sys.stderr)
        return 0
    write_rows(rows, args.output, args.out, columns=columns)
    return 0


def _audit(args: argparse.Namespace, _: Store, audit: Audit, __: Settings) -> int:
    if args.n < 1:
        raise UsageError(f"-n {args.n} is no number of lines.")
    rows = []
    for line in audit.lines(args.n):
        row = {name: str(line.pop(name, "")) for name in ("at", "what", "who", "from")}
        rows.append({**row, "more": ", ".join(f"{key}: {value}" for key, value in line.items())})
    if not rows and args.output == "table":
        print("Nothing has been written yet.", file=sys.stderr)
        return 0
    write_rows(rows, args.output, args.out, columns=("at", "what", "who", "from", "more"))
    return 0


def _there(store: Store, name: str) -> None:
    """UsageError before a password is asked for in vain."""
    known = store.known()
    if known is None or name not in known.users:
        raise UsageError(f"There is no user {name[:80]!r}.", hint="See: teiten users list")


def _password(name: str) -> str:
    """From the terminal, twice; else the first line of the standard input."""
    from teiten.web.users import passwords

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    import getpass

    first = passwords.check(getpass.getpass(f"Password for {name} ({passwords.SHORTEST} characters or more): "), name)
    if getpass.getpass("Again: ") != first:
        raise UsageError("The password was not written the same way twice.")
    return first


def _me() -> str:
    """Who acts at the command line, for the audit log."""
    import pwd

    try:
        return f"{pwd.getpwuid(os.getuid()).pw_name} (command)"
    except KeyError:
        return f"{os.getuid()} (command)"


_ACTIONS: dict[str, Any] = {
    "add": _add, "password": _change_password, "role": _role, "remove": _remove, "token": _token, "revoke": _revoke,
    "list": _list, "audit": _audit,
}  # fmt: skip
