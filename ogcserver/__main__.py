"""``python -m ogcserver``."""

from ogcserver.cli import main

if __name__ == "__main__":
    main()
