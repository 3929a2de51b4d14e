"""Where things are, and how programs of this package are started."""
import pathlib
import sys

LIBRARY = pathlib.Path(__file__).resolve().parent
TOOLS = LIBRARY.parent
ROOT = TOOLS.parent


def program(module):
    """The command that runs a module of this package; arguments follow."""
    return ["env", f"PYTHONPATH={TOOLS}", sys.executable, "-m", f"cairnlab.{module}"]
