"""From a config to the network and the examples it describes, for attention beyond text."""

from gradus.sequence.attending import scenes, tunes
from gradus.sequence.attending.describer import Describer, PictureRegions, SoundFrames
from gradus.sequence.attending.recipes import AttendingConfig

END = "end"


def names_of(config: AttendingConfig) -> list[str]:
    """The words of a description, the end last."""
    return [*(scenes.NAMES if config.over == "regions" else tunes.NAMES), END]


def describer(config: AttendingConfig) -> Describer:
    """The network, for pictures or for sounds."""
    words = len(names_of(config))
    if config.over == "regions":
        count, seen = scenes.GRID**2, PictureRegions(scenes.CELL, config.size)
        return Describer(seen, count, config.size, words, scenes.STEPS)
    heard = SoundFrames(tunes.FREQUENCIES, config.size)
    return Describer(heard, tunes.FRAMES, config.size, words, scenes.STEPS)


def examples(config: AttendingConfig, n: int, part: str) -> scenes.Described:
    """So many scenes, or tunes, of a part."""
    return scenes.scenes(n, part) if config.over == "regions" else tunes.tunes(n, part)
