"""``python -m p2pctl``."""

import sys

from p2pctl.cli import main

sys.exit(main())
