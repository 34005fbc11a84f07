"""Writes JPEG files of any sampling, any scans and any markers, so that readers can be tried on what no common encoder writes."""
import heapq
import struct
from collections import Counter

import numpy

SOF_BASELINE, SOF_EXTENDED, SOF_PROGRESSIVE = 0xC0, 0xC1, 0xC2
ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, i % 8 if (i // 8 + i % 8) % 2 == 0 else i // 8))
_ANGLES = numpy.cos((2 * numpy.arange(8)[None, :] + 1) * numpy.arange(8)[:, None] * numpy.pi / 16)
DCT = _ANGLES * numpy.where(numpy.arange(8) == 0, 8 ** -0.5, 0.5)[:, None]

# (components, first, last, high, low) of each scan
def scripts(count):
    everything = list(range(count))
    each = [[c] for c in everything]
    return {
        "spectral": [(everything, 0, 0, 0, 0)] + [(c, *band, 0, 0) for c in each for band in ((1, 5), (6, 63))],
        "bits": [(everything, 0, 0, 0, 1)] + [(c, 1, 63, 0, 2) for c in each] + [(c, 1, 63, 2, 1) for c in each]
                + [(everything, 0, 0, 1, 0)] + [(c, 1, 63, 1, 0) for c in each],
        "bands of bits": [(c, 0, 0, 0, 3) for c in each] + [(c, *band, 0, 3) for c in each for band in ((1, 1), (2, 20), (21, 63))]
                + [scan for low in (2, 1, 0) for scan in [(everything, 0, 0, low + 1, low)] + [(c, 1, 63, low + 1, low) for c in each]],
    }


def quantization(quality, chroma):
    """Steps that grow with the frequency, in zigzag order."""
    u = numpy.arange(8)[None, :] + numpy.arange(8)[:, None]
    scale = (100 - quality) / 50 + 1e-9
    steps = numpy.clip(numpy.round((10 + (8 if chroma else 5) * u) * scale), 1, 255).astype(int)
    return steps.reshape(64)[ZIGZAG]


def coefficients(plane, blocks, steps):
    """(rows, columns, 64) whole numbers in zigzag order of a plane, its edge repeated to fill so many blocks."""
    h, w = plane.shape
    rows, columns = blocks
    padded = numpy.pad(plane.astype(float), ((0, rows * 8 - h), (0, columns * 8 - w)), mode="edge") - 128
    cut = padded.reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3)
    frequencies = numpy.einsum("ui,rcij,vj->rcuv", DCT, cut, DCT).reshape(rows, columns, 64)[..., ZIGZAG]
    return numpy.round(frequencies / steps).astype(int)


def shrink(plane, across, down):
    h, w = plane.shape
    rows, columns = -(-h // down), -(-w // across)
    padded = numpy.pad(plane.astype(float), ((0, rows * down - h), (0, columns * across - w)), mode="edge")
    return padded.reshape(rows, down, columns, across).mean((1, 3))


class Entropy:
    """What a scan says, as (table, symbol, value, bits) before codes are known, and None for a restart."""

    def __init__(self, scan, planes, progressive):
        self.components, self.first, self.last, self.high, self.low = scan
        self.planes, self.progressive = planes, progressive
        self.events, self.empty, self.corrections = [], 0, []
        self.means = {}

    def restart(self):
        self.flush()
        self.events.append(None)
        self.means = {}

    def number(self, table, run, value):
        size = int(abs(value)).bit_length()
        self.events.append((table, run << 4 | size, value if value > 0 else value + (1 << size) - 1, size))

    def mean(self, component, block):
        value = int(block[0]) >> self.low
        if self.high:
            self.events.append((None, None, value & 1, 1))
            return
        difference = value - self.means.get(component, 0)
        self.means[component] = value
        self.number(("DC", min(component, 1)), 0, difference)

    def flush(self):
        if self.empty:
            size = self.empty.bit_length() - 1
            self.events.append((self.table, size << 4, self.empty - (1 << size), size))
            self.empty = 0
        self.events += [(None, None, bit, 1) for bit in self.corrections]
        self.corrections = []

    def block(self, component, block):
        self.table = ("AC", min(component, 1))
        if self.first == 0:
            self.mean(component, block)
        if self.last == 0:
            return
        values = [int(numpy.sign(v)) * (abs(int(v)) >> self.low) for v in block]
        (self.refine if self.high else self.begin)(values)

    def begin(self, values):
        run = 0
        for k in range(max(self.first, 1), self.last + 1):
            if values[k] == 0:
                run += 1
                continue
            self.flush()
            while run > 15:
                self.events.append((self.table, 0xF0, 0, 0))
                run -= 16
            self.number(self.table, run, values[k])
            run = 0
        if run:
            self.end_block()

    def end_block(self):
        if not self.progressive:
            self.events.append((self.table, 0, 0, 0))
            return
        self.empty += 1
        if self.empty == 0x7FFF:
            self.flush()

    def refine(self, values):
        fresh = [k for k in range(self.first, self.last + 1) if abs(values[k]) == 1]
        end = fresh[-1] if fresh else 0
        run, corrections = 0, []
        for k in range(self.first, self.last + 1):
            if values[k] == 0:
                run += 1
                continue
            while run > 15 and k <= end:
                self.flush()
                self.events.append((self.table, 0xF0, 0, 0))
                run -= 16
                self.events += [(None, None, bit, 1) for bit in corrections]
                corrections = []
            if abs(values[k]) > 1:
                corrections.append(abs(values[k]) & 1)
                continue
            self.flush()
            self.events.append((self.table, run << 4 | 1, values[k] > 0, 1))
            self.events += [(None, None, bit, 1) for bit in corrections]
            run, corrections = 0, []
        if run or corrections:
            self.corrections += corrections
            self.end_block()
            if len(self.corrections) > 900:
                self.flush()


def code_lengths(counts, deepest=16):
    """Symbol -> length of its code, at most 16, of which no code is all ones."""
    heap = [(count, index, (symbol,)) for index, (symbol, count) in enumerate(sorted(counts.items()))] + [(0, -1, (None,))]
    heapq.heapify(heap)
    depths = Counter()
    serial = len(heap)
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        for symbol in a[2] + b[2]:
            depths[symbol] += 1
        heapq.heappush(heap, (a[0] + b[0], serial, a[2] + b[2]))
        serial += 1
    order = sorted((depths[symbol], symbol is None, symbol or 0, symbol) for symbol in list(counts) + [None])
    lengths = [min(depth, deepest) for depth, *_ in order]
    while sum(2.0 ** -length for length in lengths) > 1:
        longest = max(i for i, length in enumerate(lengths) if length < deepest)
        lengths[longest] += 1
    pairs = sorted(zip(sorted(lengths), [symbol for *_, symbol in order]), key=lambda pair: (pair[0], pair[1] is None))
    return {symbol: length for length, symbol in pairs if symbol is not None}


def codes(lengths):
    code, previous, table = 0, 0, {}
    for symbol, length in sorted(lengths.items(), key=lambda item: item[1]):
        code <<= length - previous
        table[symbol] = (code, length)
        code, previous = code + 1, length
    return table


def segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def huffman_segment(key, lengths):
    kind, slot = key
    ordered = sorted(lengths.items(), key=lambda item: item[1])
    counts = Counter(lengths.values())
    return segment(0xC4, bytes([(kind == "AC") << 4 | slot] + [counts[n] for n in range(1, 17)] + [symbol for symbol, _ in ordered]))


def pack(events, tables):
    parts, bits, restarts = [], [], 0

    def close():
        text = "".join(bits)
        text += "1" * (-len(text) % 8)
        parts.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)).replace(b"\xff", b"\xff\x00"))
        bits.clear()

    for event in events:
        if event is None:
            close()
            parts.append(bytes([0xFF, 0xD0 + restarts % 8]))
            restarts += 1
            continue
        table, symbol, value, size = event
        if table:
            code, length = tables[table][symbol]
            bits.append(format(code, f"0{length}b"))
        if size:
            bits.append(format(int(value), f"0{size}b"))
    close()
    return b"".join(parts)


def write(planes, sampling, quality=80, frame=SOF_BASELINE, script=None, restart=0, ids=None, before=b"", behind=b"", precision=0, steps=None, deepest=16, fill=b"",
          blocks=None):
    """The bytes of a file. planes: full-size arrays, one a component; sampling: (across, down) of each; before: segments behind SOI;
    behind: bytes before EOI; steps: two arrays in zigzag order; fill: bytes before each marker; blocks: quantised coefficients in the planes' stead."""
    h, w = planes[0].shape
    most_across, most_down = max(a for a, _ in sampling), max(d for _, d in sampling)
    mcus = -(-h // (8 * most_down)), -(-w // (8 * most_across))
    ids = ids or list(range(1, len(planes) + 1))
    steps = steps or [quantization(quality, chroma) for chroma in (False, True)]
    slots = [0 if index in (0, 3) else 1 for index in range(len(planes))]
    if blocks is None:
        blocks = []
        for plane, (across, down), slot in zip(planes, sampling, slots):
            small = shrink(plane, most_across // across, most_down // down)
            blocks.append(coefficients(small, (mcus[0] * down, mcus[1] * across), steps[slot]))
    content = b"\xff\xd8" + before
    for slot in sorted(set(slots)):
        table = struct.pack(">64H", *steps[slot]) if precision else bytes(int(step) for step in steps[slot])
        content += fill + segment(0xDB, bytes([precision << 4 | slot]) + table)
    header = struct.pack(">BHHB", 8, h, w, len(planes)) + b"".join(bytes([i, a << 4 | d, s]) for i, (a, d), s in zip(ids, sampling, slots))
    content += fill + segment(frame, header)
    if restart:
        content += fill + segment(0xDD, struct.pack(">H", restart))
    for scan in script or [(list(range(len(planes))), 0, 63, 0, 0)]:
        entropy = Entropy(scan, blocks, frame == SOF_PROGRESSIVE)
        for number, mcu in enumerate(units(scan[0], sampling, mcus, h, w, most_across, most_down)):
            if restart and number and number % restart == 0:
                entropy.restart()
            for component, row, column in mcu:
                entropy.block(component, blocks[component][row, column])
        entropy.flush()
        counts = {}
        for event in entropy.events:
            if event and event[0]:
                counts.setdefault(event[0], Counter())[event[1]] += 1
        lengths = {key: code_lengths(count, deepest) for key, count in counts.items()}
        for key in sorted(lengths):
            content += fill + huffman_segment(key, lengths[key])
        listed = b"".join(bytes([ids[c], min(c, 1) << 4 | min(c, 1)]) for c in scan[0])
        content += fill + segment(0xDA, bytes([len(scan[0])]) + listed + bytes([scan[1], scan[2], scan[3] << 4 | scan[4]]))
        content += pack(entropy.events, {key: codes(length) for key, length in lengths.items()})
    return content + behind + fill + b"\xff\xd9"


def units(components, sampling, mcus, h, w, most_across, most_down):
    """The blocks of each MCU of a scan; of a single plane its own blocks, without those that only fill up."""
    if len(components) == 1:
        component = components[0]
        across, down = sampling[component]
        rows = -(-(-(-h * down // most_down)) // 8)
        columns = -(-(-(-w * across // most_across)) // 8)
        return [[(component, row, column)] for row in range(rows) for column in range(columns)]
    return [
        [(component, row * sampling[component][1] + y, column * sampling[component][0] + x)
         for component in components for y in range(sampling[component][1]) for x in range(sampling[component][0])]
        for row in range(mcus[0]) for column in range(mcus[1])]
