"""`python -m tools`: what `make` runs."""

import sys

from tools.cli import main

sys.exit(main())
