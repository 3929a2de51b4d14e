"""The pages: the repository's own, where they are, so that their links hold, and those that are made of
it.
"""
import pathlib
import re
import shutil
import subprocess
import sys

import yaml

from cairnlab.package import source

from . import reference

HERE = pathlib.Path(__file__).parent
WORK = source.ROOT / ".build/site"
# What pages of the repository link to besides each other.
ROOT_FILES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "models/README.md"]
# The README's section that is a page of its own.
MEASURED = "How good it is, measured"
HOW_TO = [
    "runtimes", "ci", "air-gapped", "cluster", "laptop", "docker-hub", "corporate-proxy", "limit-rate",
    "learned", "report-a-bug"]


def build(binary):
    staged = WORK / "pages"
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(source.ROOT / "docs", staged / "docs")
    for name in ROOT_FILES:
        (staged / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.ROOT / name, staged / name)
    shutil.copy(HERE / "extra.css", staged)
    (staged / "measured.md").write_text(f"# {MEASURED}\n\n" + readme_sections()[MEASURED])
    commands = reference.pages(binary)
    (staged / "reference").mkdir()
    for name, _, text in commands:
        (staged / "reference" / name).write_text(text)
    settings = yaml.safe_load((HERE / "mkdocs.yml").read_text())
    settings |= {"docs_dir": str(staged), "site_dir": str(WORK / "html"), "nav": navigation(staged, commands)}
    (WORK / "mkdocs.yml").write_text(yaml.safe_dump(settings))
    subprocess.run(
        [pathlib.Path(sys.executable).parent / "mkdocs", "build", "--quiet", "--config-file",
         WORK / "mkdocs.yml"], check=True,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1",
             "SOURCE_DATE_EPOCH": str(source.read().epoch)})
    stay(WORK / "html")
    return WORK / "html"


def stay(site):
    """Nothing is fetched from elsewhere: a worker for pages that are files is ours."""
    shutil.copy(HERE / "worker.js", site)
    for page in site.rglob("*.html"):
        base = "../" * (len(page.relative_to(site).parts) - 1)
        text = page.read_text().replace("https://unpkg.com/iframe-worker/shim", base + "worker.js")
        page.write_text(text)


def readme_sections():
    parts = re.split(r"^## (.*)$", (source.ROOT / "README.md").read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def title(file):
    found = re.search(r"^# (.*)$", file.read_text(), re.M)
    return found.group(1).replace("`", "") if found else file.stem


def navigation(staged, commands):
    def entries(*names):
        return [{title(staged / name): name} for name in names if (staged / name).exists()]

    def folder(name):
        files = sorted(file.relative_to(staged).as_posix() for file in (staged / name).glob("*.md"))
        return entries(*sorted(files, key=lambda file: not file.endswith("README.md")))
    nav = [
        {"Start": [{"Overview": "README.md"}, *entries("docs/quick-start.md")]},
        {"How to": entries(*(f"docs/how-to/{name}.md" for name in HOW_TO))},
        {"Serve": folder("docs/serve")},
        {"How it works": entries("docs/how-it-works.md", "measured.md", "docs/reliability.md", "docs/zoo.md",
                                 "docs/faq.md", "docs/support.md")},
        {"Benchmarks": folder("docs/benchmarks")},
        {"Reference": [{name: f"reference/{file}"} for file, name, _ in commands]
         + entries("docs/progress-json.md", "docs/trace.md", "docs/versions.md", "models/README.md")},
        {"Design": folder("docs/design")},
        {"Project": entries("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")},
    ]
    listed = str(nav)
    rest = [f for f in sorted(staged.rglob("*.md")) if f"'{f.relative_to(staged).as_posix()}'" not in listed]
    nav[5]["Reference"] += entries(*(file.relative_to(staged).as_posix() for file in rest))
    return [section for section in nav if any(section.values())]
