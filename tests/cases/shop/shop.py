def mark(line, why):
    return f"{line} ({why})"


class WithTotal:
    def __init__(self, currency):
        self.currency = currency
        self.total = 0

    def process(self, line):
        self.total += int(line.split()[0])
        yield "line", f"{line} {self.currency}"

    def finish(self):
        yield "total", f"total {self.total} {self.currency}"


def pairs(records):
    for tag, line in records:
        _, other = next(records, (None, "nothing"))
        yield tag, f"{line} and {other}"
