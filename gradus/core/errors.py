"""The errors Gradus raises on purpose; the command line makes each one line and an exit code."""


class UsageError(ValueError):
    """The caller asked for what cannot be: a wrong name, value or combination. Exit code 2."""


class RunError(RuntimeError):
    """Work failed: a full disk, a damaged file, a loss that is not finite. Exit code 1."""


class DataError(RunError):
    """A data file is missing, damaged or not what its name promises. Exit code 1."""


class Interrupted(BaseException):
    """A signal asked the run to stop, and it did, with a checkpoint. Exit code 128 + signal."""

    def __init__(self, signum: int, where: str) -> None:
        super().__init__(where)
        self.signum = signum
