#!/usr/bin/env python3
"""Loads a model written by train.py and scores it on the rows that it was not trained on."""

import argparse
import json
import os

import dataset
from network import Network

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description="Accuracy of a trained model, class by class.")
    parser.add_argument("model", nargs="?", default=os.path.join("out", "model.json"), help="(%(default)s)")
    parser.add_argument("--data", default=os.path.join(HERE, "data", "penguins.csv"), help="the CSV file")
    options = parser.parse_args()

    with open(options.model) as file:
        model = json.load(file)
    rows, _ = dataset.read_rows(options.data)
    _, test_rows = dataset.split(rows, model["test_share"], model["seed"])
    test_set = dataset.encode(test_rows, model["classes"], model["means"], model["deviations"])
    confusion = Network(model["hidden_weights"], model["output_weights"]).confusion(test_set, len(model["classes"]))

    print(f"{options.model}: {len(model['hidden_weights'])} hidden neurons, {len(test_set)} unseen penguins")
    for label, (name, counts) in enumerate(zip(model["classes"], confusion)):
        print(f"  {name:18} {counts[label]:3d} of {sum(counts):3d}  {counts[label] / sum(counts):6.1%}")
    right = sum(counts[label] for label, counts in enumerate(confusion))
    print(f"  {'all':18} {right:3d} of {len(test_set):3d}  {right / len(test_set):6.1%}")


if __name__ == "__main__":
    main()
