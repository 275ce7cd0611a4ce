"""Which epoch of a training becomes the model, and when a training stops before its last."""

from typing import NamedTuple

from stages.training.backup import History


class Selection(NamedTuple):
    """What ``train.checkpoint`` and ``train.early_stopping`` say of a training."""

    keep_best: bool
    patience: int | None
    start: int  # patience begins after this epoch, that of the last phase

    def is_best(self, history: History) -> bool:
        """Tell whether the last epoch is the best so far."""
        return best_epoch(history) == len(history)

    def is_over(self, history: History) -> bool:
        """Tell whether no epoch has been better than the best for too long."""
        return self.patience is not None and len(history) >= self.patience + max(best_epoch(history), self.start)

    def mark(self, history: History) -> History:
        """Mark the epoch that became the model, unless it is the last whatever its scores."""
        best = best_epoch(history) if self.keep_best else 0
        return [{**record, "kept": True} if record["epoch"] == best else record for record in history]


def best_epoch(history: History) -> int:
    """Choose the epoch with the highest validation accuracy, then the lowest validation loss; of ties the first."""
    ranked = sorted(history, key=lambda record: (-record["val_accuracy"], record["val_loss"]))
    return int(ranked[0]["epoch"]) if ranked else 0
