#!/usr/bin/env python3
"""Writes a history of hard shapes as a stream for `git fast-import`. Usage: generate.py SEED [COMMITS]

Files of few distinct lines, so that many ways to tell a change are equally short; blocks that move and repeat; line ends,
encodings and modes that change; texts that become binary and back; and every kind of rename: of equal contents, of the
same name, of similar contents, of empty files, of long lines, in circles, and of links and submodules.
"""
import random
import sys

seed, commits = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250
draw = random.Random(seed)
output = sys.stdout.buffer
BLOCKS = [
    [b"    if (a) {", b"        return b;", b"    }", b""],
    [b"}", b"", b"static int f(void)", b"{"],
    [b"    for (i = 0; i < n; i++)", b"        x[i] = 0;"],
    [b"\t/* caf\xe9 */", b"\tdo();", b"\t/* caf\xc3\xa9 */"],
    [b"end", b"end", b"", b"def f"],
    [b"a"], [b"b"], [b""],
]


def lines(count):
    found = []
    while len(found) < count:
        block = draw.choice(BLOCKS) if draw.random() < 0.6 else [b"line %d" % draw.randrange(400)]
        found += block * draw.choice([1, 1, 1, 2, 5])
    return found[:count]


def prose(words):
    return b" ".join(b"word%d" % draw.randrange(3000) for _ in range(words))


def fresh():
    """A new content: its mode and bytes."""
    kind = draw.randrange(14)
    if kind == 0:
        return b"100644", bytes(draw.randrange(256) for _ in range(draw.randrange(1, 3000)))
    if kind == 1:
        return b"120000", draw.choice([b"target", b"a/other/target", prose(30)])
    if kind == 2:
        return b"100644", b""
    if kind == 3:
        return b"100644", prose(draw.choice([20, 300])) + draw.choice([b"", b"\n"])
    if kind == 4:
        return b"100644", b"\n".join(prose(60) for _ in range(20)) + b"\n"
    if kind == 5:
        return b"100644", b"x\n" * draw.choice([3900, 4000, 4100]) + draw.choice([b"", b"\0\n"]) + b"y\n" * 10
    if kind == 6:
        text = b"\n".join(lines(30)).decode("latin-1")
        return b"100644", b"\xff\xfe" + text.encode("utf-16-le")
    if kind == 7:
        return b"100755", b"\n".join(lines(draw.randrange(5, 60))) + b"\n"
    return b"100644", b"\n".join(lines(draw.choice([3, 20, 80, 300, 1500]))) + draw.choice([b"\n", b"\n", b"\n", b""])


def edited(data):
    """The content after some edits."""
    if b"\0" in data[:8000] and draw.random() < 0.8:
        at = draw.randrange(len(data) + 1)
        return data[:at] + bytes([draw.randrange(256)]) + data[at + draw.randrange(3):]
    if draw.random() < 0.04:
        return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data.replace(b"\n", b"\r\n")
    text = data.split(b"\n")
    for _ in range(draw.choice([1, 1, 2, 4, 12, 40])):
        at, length = draw.randrange(len(text) + 1), draw.choice([0, 1, 1, 2, 8, 30])
        edit = draw.randrange(6)
        if edit == 0:
            text[at:at + length] = []
        elif edit == 1:
            text[at:at] = lines(length)
        elif edit == 2:
            text[at:at + length] = lines(draw.choice([0, 1, 3]))
        elif edit == 3:
            block = text[at:at + length]
            text[at:at + length] = []
            to = draw.randrange(len(text) + 1)
            text[to:to] = block
        elif edit == 4:
            text[at:at] = text[at:at + length]
        else:
            text[at:at + length] = [b"    " + line for line in text[at:at + length]]
    if draw.random() < 0.05:
        word = data.split(b" ")
        word[draw.randrange(len(word))] = b"changed"
        return b" ".join(word)
    return b"\n".join(text)


def path(tree):
    folder = draw.choice([b"", b"src/", b"lib/", b"src/deep/er/", b"doc/", b"caf\xe9/"])
    while True:
        name = folder + draw.choice([b"main.c", b"util.c", b"readme", b"f%d.py" % draw.randrange(40), b"g%d.js" % draw.randrange(40)])
        if name not in tree and not any(other.startswith(name + b"/") or name.startswith(other + b"/") for other in tree):
            return name


def step(tree):
    """Changes the tree as a commit would."""
    kind = draw.random()
    while len(tree) > 120:
        del tree[draw.choice(sorted(tree))]
    if kind < 0.12 or len(tree) < 12:
        for _ in range(draw.choice([1, 2, 6])):
            tree[path(tree)] = fresh()
        return
    files = sorted(tree)
    if kind < 0.5:
        for name in draw.sample(files, min(len(files), draw.choice([1, 1, 2, 5]))):
            mode, data = tree[name]
            tree[name] = (mode, edited(data)) if mode[:2] == b"10" else fresh()
    elif kind < 0.85:
        # Moves, some with an edit; some of the old names get a new content at once.
        for name in draw.sample(files, min(len(files), draw.choice([1, 1, 2, 4, 9]))):
            mode, data = tree.pop(name)
            if mode[:2] == b"10" and draw.random() < 0.6:
                data = edited(data)
            tree[path(tree)] = (mode, data)
            if draw.random() < 0.1:
                tree[name] = fresh()
    elif kind < 0.9:
        # A folder is renamed.
        for name in [name for name in files if name.startswith(b"src/")]:
            mode, data = tree.pop(name)
            tree[b"lib/" + name[4:]] = (mode, edited(data) if draw.random() < 0.3 and mode[:2] == b"10" else data)
    elif kind < 0.93:
        one, other = draw.sample(files, 2)
        tree[one], tree[other] = tree[other], tree[one]
    elif kind < 0.96:
        name = draw.choice(files)
        mode, data = tree[name]
        tree[name] = ({b"100644": b"100755", b"100755": b"100644"}.get(mode, mode), data)
    else:
        for name in draw.sample(files, min(len(files), 3)):
            one = tree.pop(name)
            if draw.random() < 0.5:
                # The same content again at two places.
                tree[path(tree)] = one
                tree[path(tree)] = one


def main():
    tree = {b"module": (b"160000", b"%040x" % 1)}
    for number in range(1, commits + 1):
        step(tree)
        if draw.random() < 0.05 and b"module" in tree:
            tree[b"module"] = (b"160000", b"%040x" % number)
        output.write(b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\ndata 1\nm\ndeleteall\n" % (1500000000 + 60 * number))
        for name, (mode, data) in sorted(tree.items()):
            quoted = b'"' + name.replace(b"\xe9", b"\\351") + b'"'
            if mode == b"160000":
                output.write(b"M 160000 %s %s\n" % (data, quoted))
            else:
                output.write(b"M %s inline %s\ndata %d\n%s\n" % (mode, quoted, len(data), data))
        output.write(b"\n")


main()
