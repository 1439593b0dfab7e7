"""The figures of a finished run of a translator: functions of the run."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from gradus.core import plot
from gradus.core.run import Run
from gradus.data.pairs import Pair
from gradus.nn.run_figures import curves
from gradus.sequence.translation.drawing import attention_map, steps_back
from gradus.sequence.translation.losses import bucket_names, perplexity
from gradus.sequence.translation.predict import Translator
from gradus.sequence.translation.reversal import FIRST, TEST, Reverser, sequences
from gradus.sequence.translation.train import buckets_of, texts_of

LOOKED_AT = 20
"""Validation sentences of which the one is drawn whose attention turns back most often."""
WORDS = (6, 14)
"""Words that such a sentence has."""


def attention(run: Run) -> Figure:
    """Where the decoder looks in a sentence whose words change places (figure 7-33)."""
    translator = Translator(run)
    pairs: list[Pair] = texts_of(translator.config, "validation")
    sources = [source for source, _ in pairs if WORDS[0] <= len(source.split()) <= WORDS[1]]
    looks = [translator.look(text) for text in sources[:LOOKED_AT] or [pairs[0][0]]]
    best = max(looks, key=lambda look: steps_back(look[0]))
    return attention_map(*best, f"A validation sentence, {run.path.name}")


def reversal_attention(run: Run) -> Figure:
    """Where the decoder looks as it says a sequence backwards."""
    reverser = Reverser(run)
    pairs = sequences(reverser.config, 8, (TEST,))
    row = int(pairs.source.lengths.argmax())
    text = " ".join(str(number - FIRST) for number in pairs.source[row])
    return attention_map(*reverser.look(text), f"A test sequence, {run.path.name}")


@plot.style()
def perplexities(run: Run) -> Figure:
    """Perplexity by bucket and the learning rate over the minibatches (figures 7-31 and 7-32)."""
    records = run.records()
    steps = [record["step"] for record in records]
    fig, (ax, below) = plot.new_figure(2, 1, (7.4, 6.4))
    ends = {}
    for name in bucket_names(buckets_of(run.config)):  # type: ignore[arg-type]
        values = [
            perplexity(r[f"validation/nats {name}"], r[f"validation/tokens {name}"])
            for r in records
        ]
        if np.isfinite(values).all():
            ax.plot(steps, values, label=f"up to {name.replace('-', ' and ')}")
            ends[name] = values[-1]
    ax.set(yscale="log", ylabel="validation perplexity")
    ax.yaxis.set_major_formatter(LogFormatter())  # 6, not 6 × 10⁰
    ax.yaxis.set_minor_formatter(LogFormatter())
    for panel in (ax, below):
        panel.margins(x=0.02)
    below.plot(steps, [record["lr"] for record in records], "-", drawstyle="steps-post")
    below.set(ylim=(0, None), ylabel="learning rate", xlabel="minibatches")
    low, high = min(ends, key=lambda n: ends[n]), max(ends, key=lambda n: ends[n])
    plot.title(
        fig,
        f"Perplexity ends between {ends[low]:.3g} (bucket {low}) and {ends[high]:.3g} ({high})",
        "Buckets by the longest source and target, in tokens; the rate is halved after an epoch "
        f"worse than the last three; {run.recipe.name}, seed {run.config.seed}",
    )
    plot.end_labels(ax)
    return fig


TRANSLATOR = {"learning-curves": curves, "attention": attention}
BOOK = {"learning-curves": curves, "perplexity": perplexities, "attention": attention}
REVERSAL = {"learning-curves": curves, "attention": reversal_attention}
THOUGHTS = {"learning-curves": curves}
