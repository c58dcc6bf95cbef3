"""``python -m settlement.documentation [--check]``: write docs/, or say which pages are not current."""

from __future__ import annotations

import argparse
import sys

from settlement.documentation.pages import DOCS, pages


def main(arguments: list[str] | None = None) -> int:
    """Write every page; with ``--check`` write nothing and return 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is not current")
    check = parser.parse_args(arguments).check
    differing = []
    for name, text in pages().items():
        path = DOCS / name
        if not path.is_file() or path.read_text("utf-8") != text:
            differing.append(name)
            if not check:
                path.write_text(text, "utf-8")
    for name in differing:
        print(f"docs/{name} {'is not current' if check else 'written'}")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
