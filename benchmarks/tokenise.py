"""How well raw text is cut into words and sentences, against UD English-EWT's own cuts.

    GRADUS_DATA=... python benchmarks/tokenise.py [--part dev] [--show 20]

The text of a paragraph is its sentences (`# text = `) with a space between. A word counts as found
when both its ends are right, and so does a sentence. Words are the treebank's: clitics are words of
their own, "do" and "n't", where they make up the token together; otherwise ("it's" for "its") the
token is one. F1 is the harmonic mean of the share of ours that are right and the share of theirs
that were found, as in the CoNLL 2018 shared task. Results go to benchmarks/results/tokenise.json.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from gradus.core.run import environment
from gradus.data.treebanks import find_ewt
from gradus.sequence.conllu import Sentence, read_conllu, surface
from gradus.sequence.tokenise import tokenise

RESULTS = Path(__file__).parent / "results" / "tokenise.json"
Span = tuple[int, int]


def main() -> None:
    """Measure a part, tell and keep the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--part", choices=("train", "dev", "test"), default="dev")
    parser.add_argument("--show", type=int, default=0, help="most frequent mistakes to show")
    args = parser.parse_args()
    counts, missed = {"words": [0, 0, 0], "sentences": [0, 0, 0]}, Counter()
    seconds = 0.0
    for text, sentences, words in paragraphs(args.part):
        started = time.process_time()
        ours = tokenise(text)
        seconds += time.process_time() - started
        cut = {(t.start, t.end) for sentence in ours for t in sentence}
        whole = {(sentence[0].start, sentence[-1].end) for sentence in ours}
        for name, mine, theirs in (("words", cut, words), ("sentences", whole, sentences)):
            for i, n in enumerate((len(mine & theirs), len(mine), len(theirs))):
                counts[name][i] += n
        missed.update(text[a:b] for a, b in words - cut)
    found = {name: scores(*n) for name, n in counts.items()}
    for name, score in found.items():
        print(f"{name:10} " + "  ".join(f"{k} {v:.2%}" for k, v in score.items()))
    rate = counts["words"][1] / seconds
    print(f"{rate:,.0f} words a second of processor time")
    if args.show:
        print(missed.most_common(args.show))
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"found": {}}
    record = {**old["found"], args.part: {**found, "words_per_second": rate}}
    RESULTS.write_text(json.dumps({"found": record, "machine": environment()}, indent=1) + "\n")


def scores(right: int, ours: int, theirs: int) -> dict[str, float]:
    """Precision, recall and F1."""
    return {"precision": right / ours, "recall": right / theirs, "F1": 2 * right / (ours + theirs)}


def paragraphs(part: str) -> list[tuple[str, set[Span], set[Span]]]:
    """The text of each paragraph, where its sentences stand in it, and its words."""
    found: list[tuple[str, set[Span], set[Span]]] = []
    for sentence in read_conllu(find_ewt(part), trees=False):
        new = any(c.startswith(("# newpar", "# newdoc")) for c in sentence.comments)
        text, sentences, words = ("", set(), set()) if new or not found else found.pop()
        start = len(text) + bool(text)
        sentences.add((start, start + len(sentence.text)))
        words |= {(start + a, start + b) for a, b in spans(sentence)}
        found.append((f"{text} {sentence.text}".lstrip(" "), sentences, words))
    return found


def spans(sentence: Sentence) -> set[Span]:
    """Where the words of a sentence stand in its text."""
    forms = {int(row.id): row.form for row in sentence.words}
    at, found = 0, set()
    for row in surface(sentence.rows):
        at = sentence.text.index(row.form, at)
        first, _, last = row.id.partition("-")
        parts = [forms[i] for i in range(int(first), int(last or first) + 1)]
        if "".join(parts) != row.form:
            parts = [row.form]
        for part in parts:
            found.add((at, at + len(part)))
            at += len(part)
    return found


if __name__ == "__main__":
    main()
