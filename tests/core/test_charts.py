import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from gradus.core import charts, plot
from gradus.core.errors import UsageError

RECORDS = [
    {
        "epoch": epoch,
        "step": 550 * epoch,
        "train/loss": 1 / epoch,
        "validation/loss": loss,
        "validation/accuracy": accuracy,
        "validation/other": 3.0,
        "lr": 0.1,
    }
    for epoch, loss, accuracy in [(1, 0.9, 0.8), (2, 0.5, 0.875), (3, 0.6, 0.9), (4, 0.7, 0.85)]
]


def heading(fig):
    return [text.get_text().replace("\n", " ") for text in fig.texts]


def curve(ax, label):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return line.get_xdata(), line.get_ydata()


def test_learning_curves_draw_loss_and_error_in_percent():
    fig = charts.learning_curves(RECORDS)
    loss, error = fig.axes
    epochs, values = curve(loss, "training")
    np.testing.assert_array_equal(epochs, [1, 2, 3, 4])
    np.testing.assert_allclose(values, [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_allclose(curve(error, "validation")[1], [20, 12.5, 10, 15])
    assert len(curve(error, "training")[0]) == 0
    assert heading(fig)[0] == "Validation error is lowest, 10 %, at epoch 3 of 4"


def test_learning_curves_mark_the_best_epoch_in_both_panels():
    for ax in charts.learning_curves(RECORDS).axes:
        assert list(ax.get_lines()[0].get_xdata()) == [3, 3]


def test_the_best_epoch_follows_the_watched_record():
    fig = charts.learning_curves(RECORDS, watch="validation/loss")
    assert heading(fig)[0] == "Validation loss is lowest, 0.5, at epoch 2 of 4"
    same = charts.learning_curves(RECORDS, watch="validation/accuracy")
    assert heading(same)[0].startswith("Validation error is lowest, 10 %")


def test_errors_are_drawn_like_accuracies():
    records = [
        {"epoch": r["epoch"], "validation/error": 1 - r["validation/accuracy"]} for r in RECORDS
    ]
    (ax,) = charts.learning_curves(records).axes
    np.testing.assert_allclose(curve(ax, "validation")[1], [20, 12.5, 10, 15])


def test_missing_and_infinite_values_are_left_out():
    records = [
        {"epoch": 1, "train/loss": 2.0, "validation/loss": None},
        {"epoch": 2, "train/loss": float("nan")},
        {"epoch": 3, "train/loss": 1.0, "validation/loss": 4.0},
    ]
    fig = charts.learning_curves(records)
    np.testing.assert_array_equal(curve(fig.axes[0], "training")[0], [1, 3])
    assert heading(fig)[0] == "Validation loss is lowest, 4, at epoch 3 of 3"


def test_losses_over_two_decades_have_a_logarithmic_axis():
    records = [{"epoch": e, "train/loss": 10.0**-e} for e in range(1, 5)]
    assert charts.learning_curves(records).axes[0].get_yscale() == "log"
    assert charts.learning_curves(RECORDS).axes[0].get_yscale() == "linear"


def test_one_epoch_is_enough():
    fig = charts.learning_curves(RECORDS[:1])
    fig.draw_without_rendering()
    assert [tick for tick in fig.axes[0].get_xticks() if tick == 1] == [1]


@pytest.mark.parametrize(
    "records", [[], [{"epoch": 1, "lr": 0.1}], [{"epoch": 1, "train/loss": np.inf}]]
)
def test_nothing_to_draw_is_said(records):
    with pytest.raises(UsageError, match="no finite loss or accuracy to draw; found none"):
        charts.learning_curves(records)


def test_an_unknown_watch_is_named_with_those_there_are():
    with pytest.raises(
        UsageError, match=r"no finite validation/f1 .* validation/error, validation/loss"
    ):
        charts.learning_curves(RECORDS, watch="validation/f1")


MATRIX = np.array([[8, 2, 0], [0, 9, 1], [0, 0, 5]])


def test_confusion_says_accuracy_and_commonest_mistake():
    fig = charts.confusion(MATRIX, ["cat", "dog", "eel"])
    assert heading(fig)[0] == "88 % right; the commonest mistake is dog for cat (2 of 10)"
    assert heading(fig)[1].startswith("25 examples")


def test_confusion_writes_shares_on_the_diagonal_and_counts_elsewhere():
    texts = {
        t.get_position(): t.get_text() for t in charts.confusion(MATRIX, list("abc")).axes[0].texts
    }
    assert texts == {(0, 0): "80%", (1, 1): "90%", (2, 2): "100%", (1, 0): "2", (2, 1): "1"}


def test_confusion_colours_mistakes_by_their_share():
    image = charts.confusion(MATRIX, list("abc")).axes[0].get_images()[1]
    shown = image.get_array()
    np.testing.assert_allclose(shown.filled(-1), [[-1, 20, -1], [-1, -1, 10], [-1, -1, -1]])


def test_confusion_without_mistakes():
    fig = charts.confusion(np.diag([3, 4]), ["a", "b"])
    fig.draw_without_rendering()
    assert heading(fig)[0] == "100 % right"


def test_a_class_without_examples_is_drawn():
    fig = charts.confusion(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert heading(fig)[0].startswith("75 % right")


@pytest.mark.parametrize(
    ("matrix", "names"), [(MATRIX, ["a"]), (np.zeros((2, 2), int), ["a", "b"])]
)
def test_confusion_refuses_what_does_not_fit(matrix, names):
    with pytest.raises(UsageError, match="one name per class and at least one example"):
        charts.confusion(matrix, names)


@given(st.integers(1, 23), st.integers(1, 12))
def test_image_grid_keeps_pixels_order_and_thin_gaps(count, columns):
    images = np.arange(count * 6.0).reshape(count, 3, 2) / (count * 6)
    shown = charts.image_grid(images, columns=columns).axes[0].get_images()
    assert len(shown) == count
    for index, image in enumerate(shown):
        np.testing.assert_array_equal(image.get_array(), images[index])
        assert image.get_interpolation() == "none"
        left, right, bottom, top = image.get_extent()
        assert right - left == pytest.approx(1)
        assert bottom - top == pytest.approx(1.5)
        assert left == pytest.approx((index % columns) * 1.06)
        assert top == pytest.approx((index // columns) * 1.56)


def test_grey_levels_are_true():
    (image,) = charts.image_grid(np.array([[[0.25, 0.5]]])).axes[0].get_images()
    assert [to_hex(c) for c in image.to_rgba(image.get_array())[0]] == ["#404040", "#808080"]


def test_signed_images_have_zero_in_the_middle():
    image = charts.image_grid(np.array([[[-1.0, 3.0]]]), signed=True).axes[0].get_images()[0]
    assert (image.norm.vmin, image.norm.vmax) == (-3, 3)
    assert image.get_cmap().name == plot.SIGNED


def test_colour_images_and_words():
    images = np.zeros((4, 2, 2, 3), dtype=np.uint8)
    fig = charts.image_grid(
        images, columns=2, row_labels=["first", "second"], captions=["a", "b", "c", "d"]
    )
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "d"]


def test_image_grid_refuses_what_does_not_fit():
    images = np.zeros((3, 2, 2))
    with pytest.raises(UsageError, match="row_labels must be 2, one each, or none, got 1"):
        charts.image_grid(images, columns=2, row_labels=["one"])
    with pytest.raises(UsageError, match="captions must be 3"):
        charts.image_grid(images, captions=["one"])
    with pytest.raises(UsageError, match="images and columns ≥ 1, got 3 and 0"):
        charts.image_grid(images, columns=0)
    with pytest.raises(UsageError, match="got 0 and 10"):
        charts.image_grid(images[:0])
