"""Writes the generated files that are stale; with --check only names them."""

from __future__ import annotations

import sys

from scripts.generators import ROOT, generated, stale


def main(arguments: list[str]) -> int:
    """Returns 1 where --check finds a stale file, 2 for other arguments."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("scripts/generate takes --check or nothing\n")
        return 2
    wanted = generated()
    found = stale(wanted)
    for path in found:
        sys.stdout.write(f"{'stale' if arguments else 'made'}: {path.relative_to(ROOT)}\n")
        if not arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path in wanted:
                path.write_text(wanted[path], encoding="utf-8")
            else:
                path.unlink()
    return 1 if found and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
