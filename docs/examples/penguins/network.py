"""A neural network with one hidden layer (tanh, then softmax), written out in plain lists.

Each row of weights ends with the bias, so every input and every hidden vector gets a constant 1.0 appended.
"""

import math
from operator import mul


def dot(a, b):
    return sum(map(mul, a, b))


def add_scaled(target, factor, vector):
    """target + factor * vector, as a new list."""
    return [t + factor * v for t, v in zip(target, vector)]


class Network:
    def __init__(self, hidden_weights, output_weights):
        self.hidden_weights = hidden_weights
        self.output_weights = output_weights

    @classmethod
    def random(cls, inputs, hidden, outputs, rng):
        """Small random weights, smaller where a neuron has more inputs, so that tanh starts in its middle."""

        def layer(rows, columns):
            return [[rng.gauss(0, columns**-0.5) for _ in range(columns)] + [0.0] for _ in range(rows)]

        return cls(layer(hidden, inputs), layer(outputs, hidden))

    def forward(self, values):
        """Returns (hidden activations with their 1.0, probability of each class)."""
        inputs = values + [1.0]
        hidden = [math.tanh(dot(row, inputs)) for row in self.hidden_weights] + [1.0]
        scores = [dot(row, hidden) for row in self.output_weights]
        # Softmax does not change when all scores shift; without the shift exp() overflows on a large one.
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return hidden, [power / total for power in powers]

    def predict(self, values):
        _, probabilities = self.forward(values)
        return probabilities.index(max(probabilities))

    def train_batch(self, batch, learning_rate):
        """One step down the mean cross-entropy gradient of a mini-batch."""
        hidden_gradient = [[0.0] * len(row) for row in self.hidden_weights]
        output_gradient = [[0.0] * len(row) for row in self.output_weights]
        for values, label in batch:
            hidden, errors = self.forward(values)
            errors[label] -= 1.0  # the derivative of cross-entropy by the scores
            for k, error in enumerate(errors):
                output_gradient[k] = add_scaled(output_gradient[k], error, hidden)
            inputs = values + [1.0]
            for j, column in enumerate(zip(*self.output_weights)):
                if j < len(hidden_gradient):  # the last column is the bias, which no hidden neuron feeds
                    slope = dot(errors, column) * (1.0 - hidden[j] ** 2)
                    hidden_gradient[j] = add_scaled(hidden_gradient[j], slope, inputs)
        step = -learning_rate / len(batch)
        self.hidden_weights = [add_scaled(w, step, g) for w, g in zip(self.hidden_weights, hidden_gradient)]
        self.output_weights = [add_scaled(w, step, g) for w, g in zip(self.output_weights, output_gradient)]

    def measure(self, examples):
        """Returns (mean cross-entropy, share of right answers)."""
        loss, right = 0.0, 0
        for values, label in examples:
            _, probabilities = self.forward(values)
            # A class that got probability 0.0 has an infinite loss, which JSON cannot hold.
            loss -= math.log(max(probabilities[label], 1e-300))
            right += probabilities.index(max(probabilities)) == label
        return loss / len(examples), right / len(examples)

    def confusion(self, examples, class_count):
        """Counts[true class][predicted class]."""
        counts = [[0] * class_count for _ in range(class_count)]
        for values, label in examples:
            counts[label][self.predict(values)] += 1
        return counts
