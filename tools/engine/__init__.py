"""The container engine that clusters on this machine run in: the one that answers, or a private one.

ensure()                 the engine to use, started if need be
find()                   the same, but nothing is started
stop_private_if_idle()   the private one ends when nothing is left in it
up() down() status()     what `python -m tools engine …` does
"""

from tools.engine.choice import Engine, down, ensure, find, status, stop_private_if_idle, up

__all__ = ["Engine", "down", "ensure", "find", "status", "stop_private_if_idle", "up"]
