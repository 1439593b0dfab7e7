"""Workers that do nothing but live; run as a program it prints their process ids and waits."""

import os
import sys
import time

from gradus.agents.beyond.supervise import Crew


def work(given, beat, order):
    """Do what the order says; "wait" beats for ever, "hang" does not."""
    if order == "fail":
        raise ValueError("no luck")
    while order in ("wait", "hang"):
        time.sleep(0.02)
        if order == "wait":
            beat()
    return given, order, os.getpid()


def main():
    crew = Crew(work, ["a", "b"])
    found = [answer[2] for answer in crew.run(["tell", "tell"], lambda: None)]
    sys.stdout.write(" ".join(map(str, found)) + "\n")
    sys.stdout.flush()
    crew.run(["wait", "wait"], lambda: None)


if __name__ == "__main__":
    main()
