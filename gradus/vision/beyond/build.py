"""From a config to the network it describes, for clips, sounds and sentences."""

from gradus.vision.beyond.clips import DIRECTIONS, SIDE
from gradus.vision.beyond.clips import FRAMES as CLIP_FRAMES
from gradus.vision.beyond.phrases import CLASSES, LENGTH
from gradus.vision.beyond.recipes import SignalConfig, TextConfig
from gradus.vision.beyond.text_cnn import TextCNN
from gradus.vision.beyond.tones import FRAMES, FREQUENCIES, SOUNDS
from gradus.vision.convnet import ConvNet


def clip_net(config: SignalConfig) -> ConvNet:
    """The network for clips: convolution along three axes."""
    return ConvNet(config.layers, (1, CLIP_FRAMES, SIDE, SIDE), len(DIRECTIONS))


def tone_net(config: SignalConfig) -> ConvNet:
    """The network for spectrograms: convolution along frequency and time."""
    return ConvNet(config.layers, (1, FREQUENCIES, FRAMES), len(SOUNDS))


def text_net(config: TextConfig, words: int) -> TextCNN:
    """The network for sentences of a vocabulary of so many words: convolution along one axis."""
    return TextCNN(words, config.vector, LENGTH, config.layers, len(CLASSES))
