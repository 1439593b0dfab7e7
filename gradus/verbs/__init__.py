"""What the verbs of the command line take and do: a dataclass and a function for each verb."""
