"""The programs around Slipway: what PATH has in an accepted version, else upstream's release, else built from source.

ensure()    have programs, and link in `.slipway/bin` those that PATH lacked
"""

from tools.toolchain.choice import ensure

__all__ = ["ensure"]
