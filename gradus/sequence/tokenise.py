"""A plain text as sentences and words, the way English treebanks cut it.

Clitics are words of their own (do n't, it 's, can not), and so are stops, brackets and most
hyphens; addresses, numbers, abbreviations, faces and emoji stay whole. It is one regular
expression, whose first alternative that fits is the word, and a few rules on what ends a sentence.

Source of the conventions: the Penn Treebank and the English Web Treebank (Silveira et al. 2014,
"A Gold Standard Dependency Corpus for English"), as Universal Dependencies has it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Token(NamedTuple):
    """A word of a text, and where it stands: text[start:end] is the word."""

    word: str
    start: int
    end: int


LETTER = r"(?:[^\W\d_][\u0300-\u036f]*)"
CLITIC = r"(?:s|m|d|re|ve|ll)"
PREFIX = "e|co|ex|re|pre|pro|mid|non|neo|anti|post|semi|multi|over|inter|counter|socio|psycho|un|bi"
ABBREVIATIONS = (
    "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Lt|Sgt|Capt|Gov|Sen|Rep|Reps|Pres|Jr|Sr|St|Ft|Mt|Inc|Corp|Co|Ltd|"
    "Bros|vs|eg|ie|al|cf|approx|Attn|arrv|Fig|Vol|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|"
    "Dec|Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun|Ave|Blvd|Rd|Dept|Univ|Assn|Calif|Mass|Conn|Minn|"
    "Ill|Pa|Ga|Fla|Tex|La|ext|Ext|Tel|Ph|Ph\\.D"
)
NEVER_LAST = re.compile(
    r"(?i:mr|mrs|ms|dr|prof|rev|gen|col|lt|sgt|capt|gov|sen|rep|pres|st|ft|mt|vs|eg|ie|e\.g|i\.e|cf|"
    r"fig|vol|no)\."
)
"""Abbreviations that something must follow."""
UNITS = "am|pm|AM|PM|k|K|m|M|mm|MM|cm|km|kg|g|lb|lbs|ft|oz|x|X|hrs|hr|mph|mg|ml|min|mins|yr|yrs|USD"
ENDINGS = "com|org|net|edu|gov|info|html?|docx?|xlsx?|pdf|txt|jpg"
EMOJI = "[\u2600-\u27bf\U0001f300-\U0001faff]"
WORD = re.compile(
    rf"""
      (?:https?://|ftp://|mailto:|www\.)[^\s<>"]*[^\s<>".,;:!?'’)\]}}]           # an address
    | [\w.+-]{{0,63}}\w@\w[\w-]*(?:\.\w[\w-]*)*                                    # mail
    | \w[\w-]{{0,62}}(?:\.[\w-]{{1,63}}){{0,5}}\.(?i:{ENDINGS})\b
    | (?:[\U0001f1e6-\U0001f1ff]{{2}}                                          # emoji: a flag,
        |{EMOJI}[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d{EMOJI}[\ufe0f\U0001f3fb-\U0001f3ff]*)*)
    | (?:[:;=8xX][-o^']?[)(\]\[DPp/|\\*](?!\w)|\^_+\^|<3\b|\(:|[:;]['-]?[)(]+)   # faces
    | (?<!\w)(?:{ABBREVIATIONS})\.(?!\w)
    | (?<!\w)No\.(?=\s*\d) | (?<!\w)(?:etc\.|[ap]\.m\.)(?=\s*[^\sA-Z"])|(?<!\w)[ap]\.m(?=\.)
    | (?<!\w)(?:{LETTER}\.){{2,}}(?:{LETTER}(?!\w))?                           # U.S., p.m, a.k.a
    | (?<!\w)[A-Z]\.(?=\s*[A-Z][a-z])                                       # J. Smith
    | \d{{3}}-\d{{3}}-\d{{4}}(?!\w) | \d{{3}}-\d{{4}}(?!\w) | \d{{1,2}}-\d{{1,2}}-\d{{2,4}}(?!\w)
    | \d+(?:[.,:/]\d+)*(?=(?:{UNITS})(?!\w))                                   # 5 pm
    | [+]?(?<![\w)])\.?\d+(?:[.,:/]\d+)*(?:st|nd|rd|th|s|['’]s)?(?!\w)          # 1,000 1980s 5:30
    | \d+(?:[.,:/]\d+)+                                                     # 3.5GHz
    | (?<!\w)(?:can|Can|CAN)(?=not(?!\w))|(?<!\w)(?i:gon|wan)(?=na(?!\w))
    | (?<!\w)(?i:got)(?=ta(?!\w))|(?<!\w)(?i:lem|gim)(?=me(?!\w))
    | (?<!\w)(?i:do|did|does|wo|ca|could|would|should|is|are|was|were|has|have|ai)(?=nt(?!\w))
    | (?i:n['’]t)(?!\w)
    | {LETTER}+?(?=(?i:n['’]t)(?!\w))                                         # do n't
    | (?<=\w)['’`´](?i:{CLITIC})(?!\w)                                         # it 's
    | ['’]?\d\ds(?!\w)|['’](?:em|cause|til|n)(?!\w)|['’]\d\d(?!\w)
    | [A-Z]+(?:&[A-Z]+)+(?!\w)|[A-Z]/[A-Z](?!\w)|[a-z]/[a-z](?!\w)               # AT&T, I/C, w/o
    | (?<![\w-])(?i:{PREFIX})-{LETTER}+(?![\w-])                                # e-mail
    | {LETTER}+(?:['’](?!(?i:{CLITIC}|t)(?!\w)){LETTER}{{2,}})+                   # O'Connell
    | (?:[^\W_]|[\u0300-\u036f])+(?:_[^\W_]+)*                                  # any other word
    | \.\.+[?!]*|[.,]?[?!]+[?!.]*|([-=_*+~#<>'"’`|])\1+                          # ... ?! -- ''
    | \S
    """,
    re.VERBOSE,
)
ENDS = re.compile(r"[.?!]+|…|\.\.+[?!]*|[.,]?[?!][?!.]*|[。！？]")
CLOSES = frozenset("\"')]}’”»") | {"''", "’’"}
FACE = re.compile(rf"[:;=8xX^<(][-o^'_]?[)(\]\[DPp:/|*^3].*|{EMOJI}.*")
NUMBER = re.compile(r"\d{1,2}|[A-Za-z]")
SHORT_LINE = 50
"""Letters of a line below which it is a heading or an entry of a list, not cut for its width."""


def tokenise(text: str) -> list[list[Token]]:
    """The sentences of a text, each a list of its words.

    Nothing but white space is lost: the words in order, with the white space between, are the text.

    Args:
        text: any text; an empty line ends a sentence, a line's end only where the line is short and
            the next does not begin in lower case.

    >>> [[t.word for t in s] for s in tokenise("I can't. Mr. Bell's in the U.S. now!")]
    [['I', 'ca', "n't", '.'], ['Mr.', 'Bell', "'s", 'in', 'the', 'U.S.', 'now', '!']]
    """
    return [sentence for part in _parts(text) for sentence in _sentences(part)]


def words_of(text: str) -> list[list[str]]:
    """The same without the places: the words of each sentence."""
    return [[token.word for token in sentence] for sentence in tokenise(text)]


def _parts(text: str) -> Iterator[list[Token]]:
    """The words between two places where a sentence must end."""
    tokens = [Token(m[0], m.start(), m.end()) for m in WORD.finditer(text)]
    part: list[Token] = []
    line = 0
    for token in tokens:
        if part:
            between = text[part[-1].end : token.start]
            lines = between.count("\n")
            if lines:
                short = part[-1].end - line < SHORT_LINE and not token.word[0].islower()
                if lines > 1 or short:
                    yield part
                    part = []
                line = token.start
        part.append(token)
    if part:
        yield part


def _sentences(tokens: list[Token]) -> Iterator[list[Token]]:
    """Cut where a sentence ends."""
    start, at, n = 0, 0, len(tokens)
    while at < n:
        word = tokens[at].word
        at += 1
        stop = ENDS.fullmatch(word)
        if not stop and not (word[-1] == "." and len(word) > 1):
            continue
        if word == "." and at - start == 2 and NUMBER.fullmatch(tokens[start].word):
            continue  # the number of an entry in a list
        while at < n and _closes(tokens[at].word):
            if tokens[at].word in "\"'" and tokens[at].start > tokens[at - 1].end:
                break  # an opening quote: it stands after a space
            at += 1
        if at < n and _goes_on(word, bool(stop), tokens[at].word):
            continue
        yield tokens[start:at]
        start = at
    if start < n:
        yield tokens[start:]


def _closes(word: str) -> bool:
    """Whether a word after a stop belongs to the same sentence: a bracket, another stop, a face."""
    return word in CLOSES or bool(ENDS.fullmatch(word) or FACE.fullmatch(word))


def _goes_on(word: str, stop: bool, following: str) -> bool:
    """Whether a sentence goes on after a stop or an abbreviation."""
    if not stop:
        return bool(NEVER_LAST.fullmatch(word)) or not STARTERS.fullmatch(following)
    return following[0].islower() or following in {",", ";", ")", "-", "--"}


STARTERS = re.compile(
    "The|A|An|This|That|These|Those|It|He|She|They|We|You|I|In|On|At|As|But|And|If|When|While|After|"
    "Before|There|Here|What|Who|Why|How|His|Her|Their|Our|My|Its|For|From|To|With|Please|Thanks"
)
"""Words with which a sentence may begin after an abbreviation."""
