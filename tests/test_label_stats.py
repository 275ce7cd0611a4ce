import pandas as pd

from stages.label_stats import guess_accuracy


def test_to_guess_is_to_say_the_commonest_class_of_training() -> None:
    train = pd.DataFrame({"label": ["cats", "dogs", "dogs"]})
    test = pd.DataFrame({"label": ["cats", "cats", "cats", "dogs"]})
    assert guess_accuracy(train, test) == 0.25
