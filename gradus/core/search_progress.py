"""What a search says while it works: one bar on a terminal, else a plain line now and then."""

import time
from typing import TYPE_CHECKING, Any

from gradus.core.progress import LINE_SECONDS, Bar, Reporter
from gradus.core.search_summary import Summary, summarise

if TYPE_CHECKING:
    from gradus.core.studies import Study


class Progress:
    """Trials done of all, time left, the best so far.

    Attributes:
        study: the study that is worked on.
        reporter: says how to speak: a `Bar` is replaced by one of trials, others get notes.
    """

    def __init__(self, study: "Study", reporter: Reporter) -> None:
        self.study, self.reporter = study, reporter
        self.bar: Any = _bar() if isinstance(reporter, Bar) else None
        self.started, self.said, self.before = time.monotonic(), -LINE_SECONDS, -1
        self.total = study.trials
        self.first = sum(t.ended for t in summarise(study).trials)
        recipe = study.plan.recipe.name
        done = f", {self.first} of them done" if self.first else ""
        self.note(f"{study.path}: {self.total} trials of {recipe} ({study.plan.sampler}){done}")
        if self.bar:
            words = {"left": "", "best": ""}
            self.task = self.bar.add_task("", total=self.total, completed=self.first, **words)
            self.bar.start()

    def note(self, text: str) -> None:
        """A line that the user should see."""
        if self.bar:
            self.bar.console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            self.reporter.note(text)

    def update(self) -> None:
        """Say where the study stands, unless it was said a moment ago."""
        now = time.monotonic()
        if now - self.said < LINE_SECONDS:
            return
        found = summarise(self.study)
        done = sum(t.ended for t in found.trials)
        if done == self.before:
            return
        pace = (now - self.started) / max(done - self.first, 1)
        left = f"{pace * (self.total - done):.0f} s left" if done > self.first else ""
        if self.bar:
            self.bar.update(self.task, completed=done, left=left, best=_best(found))
        else:
            self.note("  ".join(w for w in (f"trial {done}/{self.total}", left, _best(found)) if w))
        self.before, self.said = done, now

    def end(self) -> None:
        """Say where the study stands now, and take the bar away."""
        self.said = -LINE_SECONDS
        if not self.bar:
            self.update()
        else:
            self.bar.stop()


def _best(found: Summary) -> str:
    if found.best is None:
        return ""
    what = found.objective.replace("/", " ")
    return f"best {what} {found.show(found.best.value)} (trial {found.best.number})"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("trial"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[best]}"),
        console=Console(stderr=True),
        refresh_per_second=2,
        transient=True,
    )
