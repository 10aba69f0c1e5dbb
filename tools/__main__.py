"""`python -m tools COMMAND`: what `make` runs."""

import sys

try:
    from tools.cli import main

    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)  # before there was anything to stop
