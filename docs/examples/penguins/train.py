#!/usr/bin/env python3
"""Tells a penguin's species and sex from four measurements: trains a small neural network, standard library only.

Writes into --out: model.json (weights and all that is needed to use them), metrics.json, training.png.
SIGTERM saves checkpoint.json, in the format of model.json, and ends the program with 143.
"""

import argparse
import json
import math
import os
import random
import signal
import sys
import time

import dataset
import plot
from network import Network

# The options' defaults: an experiment is a change here, committed, so that the history says what was tried.
EPOCHS = 1000
HIDDEN = 2
LEARNING_RATE = 0.02
BATCH = 16
TEST_SHARE = 0.25
SEED = 7

HERE = os.path.dirname(os.path.abspath(__file__))


def read_options():
    parser = argparse.ArgumentParser(description="Train a penguin classifier.")
    parser.add_argument("--epochs", type=at_least_one, default=EPOCHS, help="passes over the data (%(default)s)")
    parser.add_argument("--hidden", type=at_least_one, default=HIDDEN, help="hidden neurons (%(default)s)")
    parser.add_argument("--lr", type=float, default=LEARNING_RATE, help="learning rate (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="for the split, the weights and the order (%(default)s)")
    parser.add_argument("--data", default=os.path.join(HERE, "data", "penguins.csv"), help="the CSV file")
    parser.add_argument("--out", default="out", help="folder for the results (%(default)s)")
    return parser.parse_args()


def at_least_one(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more, not " + text)
    return number


class StopRequest:
    """Remembers a SIGTERM. The loop looks between batches, where the weights are whole."""

    def __init__(self):
        self.received = False
        signal.signal(signal.SIGTERM, self.receive)

    def receive(self, _signal, _frame):
        self.received = True


def write_json(path, value):
    """Through a temporary name: a program killed while writing leaves no half of a file under the real name."""
    with open(path + ".tmp", "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def describe(network, classes, statistics, options):
    """All that it takes to use the network, and to find the rows it has never seen."""
    return {
        "classes": classes,
        "measurements": dataset.MEASUREMENTS,
        "means": statistics[0],
        "deviations": statistics[1],
        "hidden_weights": network.hidden_weights,
        "output_weights": network.output_weights,
        "seed": options.seed,
        "test_share": TEST_SHARE,
    }


def train(network, examples, options, stop, on_epoch):
    """Mini-batch SGD. Calls on_epoch(number) after each epoch; returns False when a SIGTERM ended it early."""
    rng = random.Random(options.seed)
    order = list(examples)
    for epoch in range(1, options.epochs + 1):
        rng.shuffle(order)
        for start in range(0, len(order), BATCH):
            if stop.received:
                return False
            network.train_batch(order[start : start + BATCH], options.lr)
        on_epoch(epoch)
    return True


def main():
    options = read_options()
    stop = StopRequest()
    started = time.monotonic()
    os.makedirs(options.out, exist_ok=True)

    rows, dropped = dataset.read_rows(options.data)
    train_rows, test_rows = dataset.split(rows, TEST_SHARE, options.seed)
    classes = sorted({label for _, label in rows})
    statistics = dataset.column_statistics(train_rows)
    train_set = dataset.encode(train_rows, classes, *statistics)
    test_set = dataset.encode(test_rows, classes, *statistics)
    print(f"{len(rows)} penguins ({dropped} incomplete dropped): {len(train_set)} to train, {len(test_set)} to test")
    print(f"{options.hidden} hidden neurons, learning rate {options.lr}, seed {options.seed}", flush=True)

    network = Network.random(len(dataset.MEASUREMENTS), options.hidden, len(classes), random.Random(options.seed))
    curve = []

    def on_epoch(epoch):
        train_loss, train_accuracy = network.measure(train_set)
        test_loss, test_accuracy = network.measure(test_set)
        if not math.isfinite(train_loss):
            sys.exit(f"the loss is no longer a number after epoch {epoch}: try a learning rate below {options.lr}")
        point = {"epoch": epoch, "train_loss": train_loss, "test_loss": test_loss, "accuracy": test_accuracy}
        curve.append({key: round(value, 5) for key, value in point.items()})
        if epoch == 1 or epoch % max(1, options.epochs // 20) == 0 or epoch == options.epochs:
            print(
                f"epoch {epoch:5d}/{options.epochs}  loss {train_loss:.3f}  "
                f"accuracy {train_accuracy:6.1%}  test loss {test_loss:.3f}  test accuracy {test_accuracy:6.1%}",
                flush=True,
            )

    finished = train(network, train_set, options, stop, on_epoch)
    model = describe(network, classes, statistics, options)
    if not finished:
        path = os.path.join(options.out, "checkpoint.json")
        write_json(path, model)
        print(f"SIGTERM after {len(curve)} epochs: saved {path}", flush=True)
        return 128 + signal.SIGTERM

    confusion = network.confusion(test_set, len(classes))
    accuracy = network.measure(test_set)[1]
    write_json(os.path.join(options.out, "model.json"), model)
    write_json(
        os.path.join(options.out, "metrics.json"),
        {
            "accuracy": accuracy,
            "classes": classes,
            "confusion": confusion,
            "seconds": round(time.monotonic() - started, 2),
            "options": vars(options),
            "curve": curve,
        },
    )
    plot.write_report(os.path.join(options.out, "training.png"), curve, confusion, classes)
    print(f"test accuracy {accuracy:.1%}; wrote model.json, metrics.json, training.png to {options.out}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
