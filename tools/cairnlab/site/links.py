"""Looks whether links lead somewhere: in the repository's pages, and in the built site. Nothing is
fetched.
"""
import html.parser
import pathlib
import re
import sys
import unicodedata
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[3]


def anchors(text):
    """Names of headings, as forges make them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        words = "".join(c for c in words if c in " -_" or unicodedata.category(c)[0] in "LN")
        found.add(words.strip().replace(" ", "-"))
    return found


def markdown(root=ROOT):
    """(page, link) of every link of the repository's pages that leads nowhere."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("models/**/*.md")]
    wrong = []
    for page in sorted(pages):
        text = page.read_text()
        prose = re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        for link in re.findall(r"\]\(([^)\s]+)\)", prose):
            address = urllib.parse.urlsplit(link)
            if address.scheme:
                continue
            target = page if not address.path else page.parent / urllib.parse.unquote(address.path)
            if not target.exists() or (address.fragment and target.suffix == ".md"
                                       and address.fragment not in anchors(target.read_text())):
                wrong.append((page.relative_to(root), link))
    return wrong


# Of this repository, written out in a text.
NAMED = re.compile(
        r"(?<![\w./-])(?:Sources|Tests|tools|docs)/[\w./+-]*\.(?:swift|py|md|json|sh|c|h|txt)(?![\w*])")


def names(root=ROOT):
    """(place, path) of every file that pages and tools name in words and that is not there."""
    wrong = []
    patterns = ("*.md", "docs/**/*.md", "tools/*", "tools/cairnlab/**/*.py", "tools/cairnlab/*.sh", ".ci/*")
    for place in sorted(place for pattern in patterns for place in root.glob(pattern) if place.is_file()):
        wrong += [(place.relative_to(root), name) for name in NAMED.findall(place.read_text())
                  if not (root / name).exists()]
    return wrong


class Reader(html.parser.HTMLParser):
    """A page's links and names."""

    def __init__(self, text):
        super().__init__()
        self.links, self.names, self.fetched = [], set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names |= {given[key] for key in ("id", "name") if given.get(key)}
        self.links += [given[key] for key in ("href", "src") if given.get(key)]
        # To show the page, and not because somebody follows it.
        if given.get("src") or (tag == "link" and given.get("rel") == "stylesheet"):
            self.fetched.add(given.get("src") or given["href"])


def site(folder):
    """(page, link) of every link of the built site that leads nowhere, or that would be fetched from
    elsewhere to show a page.
    """
    pages = {page: Reader(page.read_text()) for page in folder.rglob("*.html")}
    wrong = []
    for page, reader in pages.items():
        for link in reader.links:
            address = urllib.parse.urlsplit(link)
            if address.scheme or link.startswith("//"):
                if link in reader.fetched:
                    wrong.append((page.relative_to(folder), link))
                continue
            target = page if not address.path else (
                    page.parent / urllib.parse.unquote(address.path)).resolve()
            if page.name == "404.html":
                continue
            if not target.exists() or (address.fragment and target in pages and not (
                    address.fragment in pages[target].names or address.fragment.startswith("__"))):
                wrong.append((page.relative_to(folder), link))
    return wrong


def main():
    wrong = markdown() + names()
    for page, link in wrong:
        print(f"{page}: {link} leads nowhere")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
