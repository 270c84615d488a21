"""Training: stochastic gradient descent with everything that makes a run repeatable and resumable.

The random numbers of a step depend on the seed and the step's number alone. A checkpoint therefore holds the
parameters, the optimiser's state and a step count, and a resumed run does exactly what an uninterrupted one does.
"""

import csv
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .._files import written_beside
from .._progress import progress_bar
from .._typing import Array
from ..datasets.hdf5 import open_hdf5
from ..layers.fast.conv import channels_last_filters
from ..layers.losses import softmax_loss
from .adversary import Adversary
from .augmentation import Augmentation
from .evaluation import evaluate
from .network import Network
from .optim import SCHEDULES, UPDATE_RULES
from .weights import WeightsError, check_arrays, read_hdf5

HISTORY = ("epoch", "learning_rate", "train_loss", "train_top1", "val_loss", "val_top1", "val_top5", "seconds")


class Solver:
    """Trains a network; the network's parameters are replaced as it goes.

    Parameters
    ----------
    model : Network
    data : dict
        X_train, X_val : uint8 (N, 3, H, W), arrays or memory maps; y_train, y_val : int (N,). Such as
        `load_tiny_imagenet` returns. The validation half may be missing.
    update_rule : {"nesterov", "sgd", "adam"}
    learning_rate : float
        At its peak.
    momentum : float
        Of SGD; beta1 of Adam.
    weight_decay : float
        On weights (`W1`, ...) only, never on biases or batch norm.
    label_smoothing : float
        As in `softmax_loss`.
    schedule : {"one_cycle", "cosine", "constant"}
    warmup : float
        Fraction of the training in which the learning rate rises.
    batch_size, num_epochs : int
    augmentation : Augmentation, optional
        None trains on the images as they are.
    adversary : Adversary, optional
        Trains on attacked images. It draws its random numbers apart from the others: with a radius of 0 training is the
        same, bit for bit.
    average : float
        Decay of an exponential moving average of all parameters, below 1; such as 0.998 (after B. Polyak and
        A. Juditsky, "Acceleration of stochastic approximation by averaging", 1992). The averages are what is evaluated,
        and what `trained` holds. 0 turns averaging off.
    seed : int
        Of the order of the images, of the augmentation and of the adversary.
    checkpoint : str or Path, optional
        File that keeps the state of the training; written every `checkpoint_seconds` and at the end. Continue
        with `resume()`.
    checkpoint_seconds : float
    history_csv : str or Path, optional
        One line an epoch, with the columns `HISTORY`.
    progress : bool, optional
        A bar on standard error, with images per second and the time left.
    callback : callable, optional
        callback(solver, row) after each epoch, row being its line of the history.

    Attributes
    ----------
    step : int
        Steps done.
    history : list of dict

    Examples
    --------
    >>> architecture = [{"type": "global_avg_pool"}, {"type": "affine", "units": 2}]
    >>> net = Network(architecture, input_size=(8, 8), pixel_mean=[128] * 3)
    >>> data = {"X_train": np.zeros((8, 3, 8, 8), dtype=np.uint8), "y_train": np.arange(8) % 2}
    >>> len(Solver(net, data, num_epochs=2, batch_size=4).train())
    2
    """

    def __init__(
        self,
        model: Network,
        data: dict[str, Any],
        *,
        update_rule: str = "nesterov",
        learning_rate: float = 0.15,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        label_smoothing: float = 0.1,
        schedule: str = "one_cycle",
        warmup: float = 0.15,
        batch_size: int = 128,
        num_epochs: int = 10,
        augmentation: Augmentation | None = None,
        adversary: Adversary | None = None,
        average: float = 0.0,
        seed: int = 0,
        checkpoint: str | Path | None = None,
        checkpoint_seconds: float = 120,
        history_csv: str | Path | None = None,
        progress: bool | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> None:
        for name, value, choices in (("update_rule", update_rule, UPDATE_RULES), ("schedule", schedule, SCHEDULES)):
            if value not in choices:
                raise ValueError(f"Solver: {name} must be one of {', '.join(choices)}, got {value!r}")
        N = len(data["y_train"])
        if N == 0 or len(data["X_train"]) != N:
            raise ValueError(f"Solver: {len(data['X_train'])} training images and {N} labels; expected as many of both")
        if not 0 <= warmup < 1:
            raise ValueError(f"Solver: warmup is a fraction of the training, 0 <= warmup < 1; got {warmup}")
        if not 0 <= average < 1:
            raise ValueError(f"Solver: average is a decay, 0 <= average < 1; got {average}")
        if batch_size < 1 or num_epochs < 1:
            raise ValueError(f"Solver: batch_size and num_epochs must be at least 1, got {batch_size} and {num_epochs}")
        self.model, self.data = model, data
        self.augmentation = augmentation or Augmentation(flip=False, pad=0)
        self.adversary = adversary
        self.settings: dict[str, Any] = {
            "update_rule": update_rule,
            "learning_rate": float(learning_rate),
            "momentum": float(momentum),
            "weight_decay": float(weight_decay),
            "label_smoothing": float(label_smoothing),
            "schedule": schedule,
            "warmup": float(warmup),
            "batch_size": min(int(batch_size), N),
            "num_epochs": int(num_epochs),
            "augmentation": asdict(self.augmentation),
            "adversary": None if adversary is None else asdict(adversary),
            "average": float(average),
            "seed": int(seed),
            "num_train": N,
        }
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.checkpoint_seconds = checkpoint_seconds
        self.history_csv = None if history_csv is None else Path(history_csv)
        self.progress, self.callback = progress, callback
        self.history: list[dict[str, Any]] = []
        self.step, self.seconds = 0, 0.0
        self._state: dict[str, Any] = {}  # of the optimiser, by parameter
        self._averages: dict[str, Array] = {}  # of the parameters, where they are averaged
        self._sums = {"loss": 0.0, "right": 0, "seen": 0}  # of the current epoch

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in the training set; what is left over comes in another epoch's order."""
        return self.settings["num_train"] // self.settings["batch_size"]

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.settings["num_epochs"]

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        s = self.settings
        return s["learning_rate"] * float(SCHEDULES[s["schedule"]](self.step / self.total_steps, warmup=s["warmup"]))

    @property
    def trained(self) -> Network:
        """The network as trained so far: with averaged parameters where they are averaged."""
        return self.model.with_params(dict(self._averages)) if self._averages else self.model

    def train(self) -> list[dict[str, Any]]:
        """Train to the end, from wherever the solver stands; return the history.

        Ctrl-C writes a checkpoint (if there is a file for it) before KeyboardInterrupt goes on.
        """
        batch_size = self.settings["batch_size"]
        bar = progress_bar(
            total=self.total_steps * batch_size,
            initial=self.step * batch_size,
            unit="img",
            unit_scale=True,
            progress=self.progress,
            desc="training",
        )
        saved = started = time.perf_counter()
        before = self.seconds
        try:
            if len(self.history) < self.step // self.steps_per_epoch:  # interrupted between an epoch's end and its row
                self._end_epoch()
            while self.step < self.total_steps:
                order = self._order(self.step // self.steps_per_epoch)
                for i in range(self.step % self.steps_per_epoch, self.steps_per_epoch):
                    self._train_step(order[i * batch_size : (i + 1) * batch_size])
                    now = time.perf_counter()
                    self.seconds = before + now - started
                    bar.update(batch_size)
                    bar.set_postfix(loss=f"{self._sums['loss'] / self._sums['seen']:.3f}", refresh=False)
                    if i + 1 == self.steps_per_epoch:
                        self._end_epoch()
                    if self.checkpoint and (now - saved > self.checkpoint_seconds or self.step == self.total_steps):
                        self.save_checkpoint()
                        saved = time.perf_counter()
        except KeyboardInterrupt:
            if self.checkpoint:
                self.save_checkpoint()
            raise
        finally:
            bar.close()
        return self.history

    def _order(self, epoch):
        """The order of the training images in an epoch."""
        return np.random.default_rng([self.settings["seed"], epoch]).permutation(self.settings["num_train"])

    def _train_step(self, indices):
        """One step, or none: after an interruption (Ctrl-C), everything a checkpoint holds is of the same step."""
        # Nothing in them is changed in place.
        before = dict(self.model.params), self._state, self._averages, self.step, self._sums
        try:
            self._take_step(indices)
        except BaseException:
            params, self._state, self._averages, self.step, self._sums = before
            self.model.params.update(params)
            raise

    def _take_step(self, indices):
        s, model = self.settings, self.model
        rng = np.random.default_rng([s["seed"], self.step, 1])
        indices = np.sort(indices)  # neighbours on disk are read together
        y = np.asarray(self.data["y_train"])[indices]
        X = model.preprocess(self.data["X_train"][indices].transpose(0, 2, 3, 1))
        X = self.augmentation.apply(X, self.step // self.steps_per_epoch, rng)
        X, partner, share = self.augmentation.mix(X, rng)
        rate = self.learning_rate

        def objective(scores):
            loss, dscores = softmax_loss(scores, y, label_smoothing=s["label_smoothing"])
            if share == 1:
                return loss, dscores
            other_loss, other_dscores = softmax_loss(scores, y[partner], label_smoothing=s["label_smoothing"])
            return share * loss + (1 - share) * other_loss, share * dscores + (1 - share) * other_dscores

        if self.adversary is not None:
            X = self.adversary.perturb(X, objective, model, rng=np.random.default_rng([s["seed"], self.step, 2]))
        scores, cache = model.forward(X, mode="train")
        loss, dscores = objective(scores) if np.isfinite(scores).all() else (np.nan, scores)
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"training: the loss is {loss} at step {self.step} (learning rate {rate:.3g}); try a smaller one"
            )
        _, grads = model.backward(dscores, cache, input_grad=False)
        update, state = UPDATE_RULES[s["update_rule"]], {}
        for name, gradient in grads.items():
            decay = s["weight_decay"] if name.startswith("W") else 0.0
            model.params[name], state[name] = update(
                model.params[name],
                gradient,
                self._state.get(name, {}),
                learning_rate=rate,
                momentum=s["momentum"],
                weight_decay=decay,
            )
        self._state = state
        if s["average"]:
            decay = min(s["average"], (1 + self.step) / (10 + self.step))  # few steps, short memory
            self._averages = {
                name: (decay * self._averages.get(name, value) + (1 - decay) * value).astype(value.dtype)
                for name, value in model.params.items()
            }
        self.step += 1
        self._sums = {
            "loss": self._sums["loss"] + loss * len(y),
            "right": self._sums["right"] + int((scores.argmax(axis=1) == y).sum()),
            "seen": self._sums["seen"] + len(y),
        }

    def _end_epoch(self):
        sums = self._sums
        row = {
            "epoch": self.step // self.steps_per_epoch,
            "learning_rate": self.learning_rate,
            "train_loss": sums["loss"] / sums["seen"],
            "train_top1": sums["right"] / sums["seen"],
        }
        if self.data.get("y_val") is not None and len(self.data["y_val"]):
            result = evaluate(self.trained, self.data["X_val"], self.data["y_val"])
            row |= {"val_loss": result.loss, "val_top1": result.top1, "val_top5": result.top5}
        row["seconds"] = self.seconds
        self.history.append(row)
        self._sums = {"loss": 0.0, "right": 0, "seen": 0}
        if self.history_csv:
            with written_beside(self.history_csv, overwrite=True) as temporary, open(temporary, "w", newline="") as f:
                writer = csv.DictWriter(f, HISTORY)
                writer.writeheader()
                writer.writerows(self.history)
        if self.callback:
            self.callback(self, row)

    def save_checkpoint(self) -> None:
        """Write the state of the training to the checkpoint file, replacing the one before."""
        with written_beside(self.checkpoint, overwrite=True) as temporary, open_hdf5(temporary, "w") as f:
            f.attrs["format"] = "pixelgrad checkpoint"
            for name, value in self._description().items():
                f.attrs[name] = json.dumps(value)
            for name, value in self.model.params.items():
                f[f"params:{name}"] = value
            for name, value in self._averages.items():
                f[f"average:{name}"] = value
            for name, state in self._state.items():
                for key, value in state.items():
                    f[f"state:{name}:{key}"] = value

    def resume(self) -> None:
        """Continue from the checkpoint file.

        Raises
        ------
        WeightsError
            There is none, it cannot be read, or it belongs to a training with other settings.
        """
        if self.checkpoint is None:
            raise ValueError("Solver: resume() needs the checkpoint file; give checkpoint= to the Solver")
        attributes, arrays = read_hdf5(self.checkpoint)
        if attributes.get("format") != "pixelgrad checkpoint":
            raise WeightsError(f"{self.checkpoint} is not a training checkpoint; give the file that training wrote")
        try:
            stored = {name: json.loads(attributes[name]) for name in self._description()}
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{self.checkpoint}: its description cannot be read ({error}); start anew") from error
        mine = self._description()
        for what in ("architecture", "settings"):
            if stored[what] != mine[what]:
                differing = what
                if what == "settings":
                    differing = ", ".join(k for k in mine[what] if stored[what].get(k) != mine[what][k])
                raise WeightsError(
                    f"{self.checkpoint} belongs to a training with other settings ({differing}); "
                    "resume with the same ones, or start anew with another checkpoint file"
                )
        params, averages = {}, {}
        state: dict[str, dict[str, Any]] = {}
        for name, value in arrays.items():
            kind, parameter, *key = name.split(":")
            if value.ndim == 4:
                value = channels_last_filters(value)  # as in a network that was never interrupted
            if kind == "params":
                params[parameter] = value
            elif kind == "average":
                averages[parameter] = value
            else:
                state.setdefault(parameter, {})[key[0]] = value
        check_arrays(self.checkpoint, params, {name: value.shape for name, value in self.model.params.items()})
        self.model.params.update(params)
        self._state, self._averages = state, averages
        self.step, self.history = stored["step"], stored["history"]
        self.seconds, self._sums = stored["seconds"], stored["sums"]

    def _description(self):
        return {
            "architecture": self.model.architecture,
            "settings": self.settings,
            "step": self.step,
            "history": self.history,
            "seconds": self.seconds,
            "sums": self._sums,
        }
