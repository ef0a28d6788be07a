"""The penguins as numbers: rows of data/penguins.csv, split by a seed and standardised."""

import csv
import random

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]


def read_rows(path):
    """Returns ([measurements], "Species sex") for each complete row, and how many rows were dropped."""
    rows, dropped = [], 0
    with open(path, newline="") as file:
        for record in csv.DictReader(file):
            if all(record[name] for name in MEASUREMENTS + ["species", "sex"]):
                values = [float(record[name]) for name in MEASUREMENTS]
                rows.append((values, record["species"] + " " + record["sex"]))
            else:
                dropped += 1
    return rows, dropped


def split(rows, test_share, seed):
    """Returns (train, test), the same for the same seed. Every class keeps its share in both parts."""
    rng = random.Random(seed)
    train, test = [], []
    for label in sorted({label for _, label in rows}):
        group = [row for row in rows if row[1] == label]
        rng.shuffle(group)
        cut = round(len(group) * test_share)
        test += group[:cut]
        train += group[cut:]
    return train, test


def column_statistics(rows):
    """Mean and standard deviation of each measurement. Give it the training rows alone: the test rows are unseen."""
    columns = list(zip(*(values for values, _ in rows)))
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        (sum((value - mean) ** 2 for value in column) / len(column)) ** 0.5 for column, mean in zip(columns, means)
    ]
    return means, deviations


def encode(rows, classes, means, deviations):
    """Rows as (standardised measurements, index of the class)."""
    return [
        ([(v - mean) / deviation for v, mean, deviation in zip(values, means, deviations)], classes.index(label))
        for values, label in rows
    ]
