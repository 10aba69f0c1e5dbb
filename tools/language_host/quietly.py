"""Run a script as Python does, but end without a word when interrupted: whoever interrupts knows why.

Started as a file, with the script and its arguments behind it.
"""

import os
import runpy
import signal
import sys
import warnings
from types import FrameType


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Unwind the program, once, and without the warnings of what it leaves half-done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    raise KeyboardInterrupt


sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])  # noqa: PTH120 - it is what Python itself does
signal.signal(signal.SIGINT, interrupt)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
