"""`python -m gradus`, for torchrun and for places without the `gradus` command."""

from gradus.cli import entry

if __name__ == "__main__":
    entry()
