"""race.py SPACE STAGE OUTSIDE STOP SEED [TURNED]: puts things into the watched directories of a run and swaps them, while
they are collected, until the file STOP appears or a quarter of a minute is over. With TURNED, the name of a watched
directory, it does nothing but turn folders in it into symlinks and back, as fast as it can. Whatever it puts somewhere
is finished in STAGE and renamed there, and what it swaps it swaps back before it does anything else: so all that is
ever written through a symlink is written by somebody else."""
import ctypes
import os
import random
import socket
import stat
import sys
import time

space, stage, outside, stop, seed = (os.fsencode(word) for word in sys.argv[1:6])
turned = os.fsencode(sys.argv[6]) if len(sys.argv) > 6 else None
chance = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
EXCHANGE = 2
AT_FDCWD = -100

NAMES = [
    b"a", b"secret", b"dir", b"new\nline", "ünï🦊".encode(), b"x" * 255, b"\xff\xfe", b"-rf", b"trailing ", b"*", b".git",
    b"\x1b[2J", b"...", b"$(touch PWNED)", b"e\xcc\x81",
]
TARGETS = [
    outside, outside + b"/secret", outside + b"/dir", b"..", b"../..", b".", b"a", b"dir", b"nowhere", b"/proc/self",
    b"/proc/self/environ", b"/dev/zero", b"/dev/stdin", b"/", b"x" * 4000,
]
WATCHED = [b"out", b"deep/er"]


def exchange(a, b):
    if libc.renameat2(AT_FDCWD, a, AT_FDCWD, b, EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


count = 0


def staged():
    global count
    count += 1
    return stage + b"/%s%d" % (turned or b"", count)


def plain(size=None):
    path = staged()
    with open(path, "wb") as file:
        file.write(b"kept " * (chance.randrange(400) if size is None else size))
    os.chmod(path, chance.choice([0o644, 0o600, 0o4755, 0o2755, 0o000, 0o444]))
    return path


def link():
    path = staged()
    os.symlink(chance.choice(TARGETS), path)
    return path


def special():
    path = staged()
    kind = chance.randrange(3)
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path)
    else:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    return path


def hard():
    path = staged()
    os.link(outside + b"/linked", path)
    return path


def folder(levels=2):
    path = staged()
    os.mkdir(path)
    for name in chance.sample(NAMES, 4):
        inner = folder(levels - 1) if levels > 0 and chance.random() < 0.4 else thing()
        os.rename(inner, path + b"/" + name)
    return path


def thing():
    return chance.choice([plain, plain, plain, link, link, special, hard, lambda: plain(300_000)])()


def watched():
    """One of the watched directories, or one inside of it; made anew when it was taken away."""
    path = space
    for part in chance.choice(WATCHED).split(b"/"):
        path += b"/" + part
        try:
            os.mkdir(path)
        except FileExistsError:
            pass
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.rename(path, staged())
            os.mkdir(path)
    return path


def put(path):
    os.rename(chance.choice([thing, thing, folder])(), path + b"/" + chance.choice(NAMES))


def swap(path):
    """A folder is a symlink for a moment, then it is itself again."""
    names = [name for name in os.listdir(path) if stat.S_ISDIR(os.lstat(path + b"/" + name).st_mode)]
    victim = path if not names or chance.random() < 0.3 else path + b"/" + chance.choice(names)
    decoy = staged()
    os.symlink(chance.choice([outside, outside + b"/dir", b"/proc/self"]), decoy)
    exchange(decoy, victim)
    try:
        for _ in range(chance.randrange(200)):
            pass
    finally:
        exchange(decoy, victim)


def vanish(path):
    names = os.listdir(path)
    if names:
        os.rename(path + b"/" + chance.choice(names), staged())


def filled():
    """A folder in which everything has to be looked at, as it can't be kept as a whole."""
    path = staged()
    os.mkdir(path)
    for n in range(3):
        os.rename(plain(100), path + b"/%d" % n)
    os.mkfifo(path + b"/fifo")
    return path


def turn_over(folder):
    """Many at once, each as often a symlink as not, until it is taken away by whoever collects it."""
    pairs = [(staged(), folder + b"/%d" % n) for n in range(200)]
    for decoy, victim in pairs:
        os.rename(filled(), victim)
        os.symlink(outside + b"/dir", decoy)
    while True:
        for decoy, victim in pairs * 3:
            try:
                exchange(decoy, victim)
            except FileNotFoundError:
                continue
        yield


def play():
    while True:
        # Gone with its last directory: nothing is to be made there any more.
        if os.path.isdir(space):
            chance.choice([put, put, swap, swap, swap, vanish])(watched())
        yield


def race():
    deadline = time.monotonic() + 15
    rounds = 0
    moves = play() if turned is None else turn_over(space + b"/" + turned)
    while time.monotonic() < deadline and not os.path.exists(stop):
        rounds += 1
        if rounds == (150 if turned is None else 5):
            say_ready()
        try:
            next(moves)
        except OSError:
            # Somebody else was faster, which is what this is for.
            if turned is not None:
                raise
            moves = play()


def say_ready():
    """Lets the run's own program end: it waits for somebody to open the fifo."""
    global ready
    if not ready:
        ready = True
        os.close(os.open(stage + b".ready" + (turned or b""), os.O_WRONLY))


ready = False
try:
    race()
finally:
    say_ready()
