"""`python -m relscale`: the same command as the console script."""

from relscale.cli import main

if __name__ == "__main__":
    main()
