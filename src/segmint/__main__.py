"""`python -m segmint`: the command line where pip's folder of programs is not on the path."""

import sys

from segmint.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
