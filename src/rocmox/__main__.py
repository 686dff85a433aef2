"""`python -m rocmox` and the zipapp."""

import sys

from rocmox.cli.main import main

sys.exit(main())
