"""Whether the pages' prose is at most 110 columns wide: paragraphs and items of lists, not tables, code or
addresses.

    python3 tools/cairnlab/site/prose.py            names what is wider
    python3 tools/cairnlab/site/prose.py --wrap     wraps it; the words stay as they are
"""
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[3]
WIDTH = 110
# What a test writes.
OTHERS = {"docs/zoo.md"}
ITEM = re.compile(r"\s*([-*+]|\d+[.)])\s+")
# Begins something else than prose, but for a link that a sentence begins with.
OTHER = re.compile(r"\s*(\||#|<|!|---|\[(?![^\]]+\]\())")


def wrapped(block):
    """A paragraph or an item, at most so wide; the same where it is, or where it breaks lines on purpose."""
    if all(len(line) <= WIDTH for line in block) or any(line.endswith("  ") for line in block):
        return block
    mark = re.match(r"\s*(?:> )*(?:(?:[-*+]|\d+[.)])\s+)?", block[0])[0]
    indent = mark if ">" in mark else " " * len(mark)
    words = " ".join([block[0][len(mark):], *(line.strip().removeprefix("> ") for line in block[1:])])
    lines = textwrap.wrap(words, WIDTH - len(mark), break_long_words=False, break_on_hyphens=False)
    kept = lines[:1]
    for line in lines[1:]:
        # No line may begin like a list, a heading or a table.
        if ITEM.match(line + " ") or OTHER.match(line):
            word, _, line = line.partition(" ")
            kept[-1] += f" {word}"
        kept += [line] if line else []
    return [mark + kept[0], *(indent + line for line in kept[1:])]


def wrap(text):
    """A page with its prose wrapped."""
    out, block, is_code = [], [], False
    for line in [*text.split("\n"), None]:
        is_fence = line is not None and line.strip().startswith("```")
        is_prose = line and line.strip() and not is_fence and not is_code and not OTHER.match(line) and (
            block or not line.startswith("    "))
        if not is_prose or ITEM.match(line):
            out += wrapped(block)
            block = []
        if is_prose:
            block.append(line)
        elif line is not None:
            out.append(line)
        is_code ^= is_fence
    return "\n".join(out)


def main():
    wide = 0
    for page in sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md"), *ROOT.glob("models/*.md")]):
        name = page.relative_to(ROOT).as_posix()
        if name in OTHERS or name.startswith("docs/benchmarks/"):
            continue
        text = page.read_text()
        new = wrap(text)
        if new.split() != text.split():
            raise SystemExit(f"{name}: wrapping would change its words")
        if new != text and "--wrap" in sys.argv:
            page.write_text(new)
        elif new != text:
            print(f"{name} has prose that is wider than {WIDTH} columns")
            wide += 1
    return 1 if wide else 0


if __name__ == "__main__":
    sys.exit(main())
