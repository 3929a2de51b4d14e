"""The scripts with which shells complete cairn's words."""
import subprocess


def scripts(binary):
    """Bash's without its first line: it is read, and not run."""
    printed = {
        shell: subprocess.run([binary, "completion", shell], check=True, capture_output=True).stdout
        for shell in ("bash", "zsh", "fish")}
    return printed | {"bash": printed["bash"].removeprefix(b"#!/bin/bash\n")}
