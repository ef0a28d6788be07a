"""Draws the report of a training as a PNG: loss curves on the left, confusion matrix on the right."""

import math
import struct
import zlib

import font

WHITE, INK, GREY, GRID = (255, 255, 255), (40, 44, 52), (125, 131, 140), (229, 231, 235)
BLUE, ORANGE = (38, 102, 178), (230, 120, 30)


def mix(back, front, share):
    return tuple(round(b + (f - b) * share) for b, f in zip(back, front))


class Canvas:
    def __init__(self, width, height):
        self.width, self.height = width, height
        self.pixels = bytearray(bytes(WHITE) * (width * height))

    def blend(self, x, y, colour, share=1.0):
        if 0 <= x < self.width and 0 <= y < self.height:
            at = 3 * (y * self.width + x)
            self.pixels[at : at + 3] = bytes(mix(self.pixels[at : at + 3], colour, share))

    def fill(self, left, top, width, height, colour):
        for y in range(top, top + height):
            for x in range(left, left + width):
                self.blend(x, y, colour)

    def text(self, x, y, words, colour=INK, scale=2, align="left"):
        """`y` is the top. `x` is the left end, the middle or the right end of the text, as `align` says."""
        width = (len(words) * font.ADVANCE - 1) * scale
        x -= {"left": 0, "middle": width // 2, "right": width}[align]
        for position, character in enumerate(words.upper()):
            for dot_x, dot_y in font.GLYPHS.get(character, []):
                left = x + (position * font.ADVANCE + dot_x) * scale
                self.fill(left, y + dot_y * scale, scale, scale, colour)

    def curve(self, points, colour, half_width=1.3):
        """A smooth line through points with rising x: each pixel column is tinted by how much of it the line covers."""
        for (x0, y0), (x1, y1) in zip(points, points[1:]):
            slope = (y1 - y0) / (x1 - x0)
            reach = half_width * math.sqrt(1 + slope * slope)
            top, bottom = min(y0, y1) - half_width, max(y0, y1) + half_width  # a steep piece stays near its ends
            for x in range(math.ceil(x0), math.ceil(x1)):
                middle = y0 + slope * (x - x0)
                low, high = max(top, middle - reach), min(bottom, middle + reach)
                for y in range(math.floor(low), math.ceil(high) + 1):
                    covered = min(y + 0.5, high) - max(y - 0.5, low)
                    self.blend(x, y, colour, max(0.0, min(1.0, covered)))

    def save(self, path):
        stride = 3 * self.width
        lines = (b"\0" + self.pixels[y * stride : (y + 1) * stride] for y in range(self.height))
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB
        with open(path, "wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b"")):
                file.write(struct.pack(">I", len(body)) + kind + body)
                file.write(struct.pack(">I", zlib.crc32(kind + body)))


def tick_step(span, count):
    """A round step (1, 2 or 5 times a power of ten) that puts about `count` ticks on the span."""
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def ticks(highest, count):
    step = tick_step(highest, count)
    return [step * i for i in range(int(highest / step + 1e-9) + 1)]


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def draw_losses(canvas, left, top, width, height, curve):
    highest = 1.05 * max(max(point["train_loss"], point["test_loss"]) for point in curve)
    last = max(1, curve[-1]["epoch"])
    for value in ticks(highest, 5):
        y = top + height - round(value / highest * height)
        canvas.fill(left, y, width, 1, GRID)
        canvas.text(left - 10, y - 6, number(value), GREY, align="right")
    for value in ticks(last, 5):
        x = left + round(value / last * width)
        canvas.fill(x, top + height, 1, 6, INK)
        canvas.text(x, top + height + 12, number(value), GREY, align="middle")
    canvas.fill(left, top, 2, height, INK)
    canvas.fill(left, top + height, width, 2, INK)
    for row, (key, name, colour) in enumerate((("train_loss", "train", BLUE), ("test_loss", "test", ORANGE))):
        # At least a pixel between points, or steep pieces fall between two columns. The last point is always drawn.
        step = math.ceil(len(curve) / width)
        shown = curve[::-step][::-1]
        points = [(left + p["epoch"] / last * width, top + height - p[key] / highest * height) for p in shown]
        canvas.curve(points, colour)
        canvas.fill(left + width - 100, top + 14 + 24 * row, 26, 4, colour)
        canvas.text(left + width - 64, top + 9 + 24 * row, name)
    canvas.text(left, top - 30, "loss", INK)
    canvas.text(left + width // 2, top + height + 40, "epoch", INK, align="middle")


def draw_confusion(canvas, left, top, size, confusion, classes):
    cell = size // len(classes)
    for row, counts in enumerate(confusion):
        canvas.text(left - 10, top + row * cell + cell // 2 - 7, classes[row], GREY, align="right")
        initials = "".join(word[0] for word in classes[row].split())
        canvas.text(left + row * cell + cell // 2, top + size + 12, initials, GREY, align="middle")
        for column, count in enumerate(counts):
            share = count / max(1, sum(counts))
            x, y = left + column * cell, top + row * cell
            colour = BLUE if row == column else ORANGE
            canvas.fill(x, y, cell - 2, cell - 2, mix((244, 245, 247), colour, share))
            if count:
                ink = WHITE if share > 0.5 else INK
                canvas.text(x + cell // 2 - 1, y + cell // 2 - 8, str(count), ink, align="middle")
    canvas.text(left - 10, top - 30, "true class", INK, align="right")
    canvas.text(left + size // 2, top + size + 36, "predicted class", INK, align="middle")


def write_report(path, curve, confusion, classes):
    canvas = Canvas(1120, 500)
    accuracy = sum(counts[i] for i, counts in enumerate(confusion)) / max(1, sum(map(sum, confusion)))
    canvas.text(40, 26, f"Penguins - test accuracy {accuracy:.1%}", INK, scale=3)
    draw_losses(canvas, 96, 120, 440, 290, curve)
    draw_confusion(canvas, 790, 120, 294, confusion, classes)
    canvas.save(path)
