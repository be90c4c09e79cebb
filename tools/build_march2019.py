"""Writes docs/concepts/march2019.md: what a blog said of its March 2019 beside what the generated month says. Takes a minute.

    python tools/build_march2019.py [SEED]

Runs `teiten simulate --scenario march2019`, `ingest` and `report monthly 2019-03` in both languages in a temporary folder, and
looks every statement of tests/report/march2019.toml up in the reports. Exits with 1 where one is not said.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATEMENTS = ROOT / "tests" / "report" / "march2019.toml"
PAGE = ROOT / "docs" / "concepts" / "march2019.md"
HEAD = """<!-- Made by tools/build_march2019.py from a run. Do not edit: run it again. -->

# March 2019: what a blog said, and what the generated month says

A household in Japan counted by hand what its router had dropped, month by month, and wrote about it (wave.hatenablog.com).
Its text about March 2019 is what a monthly report of this program must be able to say by itself. Its log is not published; so
`teiten simulate --scenario march2019` lays two months down from the statements of the text, and the report, which knows nothing
of that, is asked whether it finds them again. The text's statements stand here in our own words; those of the report are as it
wrote them, without their links. `tests/report/test_march2019.py` holds every row.

What the text leaves open (how many packets there were, what lay between the places that it names) is made up: the numbers
below mean nothing. Where the text supposes a cause, the report names what is known, with a reference, and says what the counts
cannot tell.

```sh
{commands}
```

| the text says | the month says | 生成した月次レポートの文 |
| --- | --- | --- |
"""


def statements() -> list[dict[str, str]]:
    """en, ja: the text in our own words; says_en, says_ja: patterns."""
    found: list[dict[str, str]] = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))["statement"]
    return found


def plain(text: str) -> str:
    """report.md without the addresses of its links, and with plain spaces."""
    return re.sub(r"(?<!!)\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("\N{NO-BREAK SPACE}", " ")


def said(statement: dict[str, str], text: str, lang: str) -> str:
    """What of the (plain) report says it; an empty text where nothing does."""
    match = re.search(statement[f"says_{lang}"], text)
    return match.group(0) if match else ""


def commands(seed: int) -> list[str]:
    """What is run, as a user would write it."""
    return [
        f"teiten simulate --scenario march2019 --seed {seed} --out march",
        "teiten ingest --config march/teiten.toml march",
        *(
            f"teiten report monthly 2019-03 --config march/teiten.toml --lang {lang} --out report-{lang}"
            for lang in ("en", "ja")
        ),
    ]


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        for command in commands(seed):
            subprocess.run([sys.executable, "-m", *command.split()], cwd=folder, check=True, capture_output=True)
        texts = {
            lang: plain((Path(folder) / f"report-{lang}" / "report.md").read_text(encoding="utf-8")) for lang in ("en", "ja")
        }
    rows, missing = [], 0
    for statement in statements():
        cells = [statement["en"] + "<br>" + statement["ja"]]
        for lang in ("en", "ja"):
            found = said(statement, texts[lang], lang)
            missing += not found
            found = re.sub(r"!\[(.*)\]\((.*)\)", r"`\2`: \1", found).replace("\\*", "\\*")
            cells.append(found or "**not found**")
        rows.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(HEAD.format(commands="\n".join(commands(seed))) + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} statements, {missing} not found", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
