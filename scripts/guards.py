"""Guards in Rust sources, by the names that stand above them, and ways to take them out. For scripts/canaries.

A line `// canary: NAME` marks what follows it: one statement, match arm, field or function, however it is laid out and in
whichever file it is. `At("NAME")` and one of its methods say what becomes of that in a copy of the sources.
"""

import re
from dataclasses import dataclass

MARKER = re.compile(r"(?m)^[ \t]*// canary: ([a-z][a-z /]*)$")

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>b?r(?P<fence>\#*)".*?"(?P=fence)|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\])')
    |(?P<word>'?[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][A-Za-z0-9_]*)
    |(?P<sign>=>|->|==|<=|>=|!=|&&|\|\||[-+*/%^&|]=|<<=|>>=|::|\.\.=|\.\.|.)""",
    re.VERBOSE | re.DOTALL,
)

OPEN, CLOSED = "([{", ")]}"
BLOCKS = {"if", "match", "while", "for", "loop", "unsafe", "{"}
ITEMS = {"fn", "pub", "const fn", "impl"}
ASSIGNMENTS = {"=", "|=", "&=", "+=", "-=", "^=", "*="}


class Lost(Exception):
    """A guard that is not where its name says, or not of a kind that this can be done to."""


@dataclass
class Token:
    kind: str
    text: str
    begin: int
    end: int
    depth: int


def tokens(text, begin):
    """Those from `begin` to the end of what encloses it, without spaces and comments; a bracket is as deep as what is around it."""
    depth, at = 0, begin
    while at < len(text):
        match = TOKEN.match(text, at)
        kind, found = match.lastgroup if match.lastgroup != "fence" else "text", match.group()
        if kind == "sign" and found in CLOSED:
            depth -= 1
            if depth < 0:
                return
        if kind != "space":
            yield Token(kind, found, match.start(), match.end(), depth)
        if kind == "sign" and found in OPEN:
            depth += 1
        at = match.end()


def without_attributes(found):
    """The tokens behind any `#[...]` at the beginning."""
    while found and found[0].text == "#":
        closed = next(at for at, token in enumerate(found) if token.text == "]" and token.depth == 0)
        found = found[closed + 1 :]
    return found


def statement(text, begin):
    """The tokens of the one statement, arm, field or item that comes next."""
    found = without_attributes(list(tokens(text, begin)))
    if not found:
        raise Lost("nothing follows the marker")
    words = [token.text for token in found[:4]]
    is_item = "fn" in words
    ends_with_block = is_item or words[0] in BLOCKS
    was_arrow = False
    for at, token in enumerate(found):
        if token.depth > 0:
            continue
        next_text = found[at + 1].text if at + 1 < len(found) else ""
        if token.text in (";", ","):
            return found[: at + 1]
        if token.text == "}" and (ends_with_block or was_arrow) and next_text not in ("else", ".", "?"):
            return found[: at + 1 + (was_arrow and next_text == ",")]
        if token.text == "=>":
            was_arrow = True
            ends_with_block = False
    return found


class At:
    """The guard of a name."""

    def __init__(self, name):
        self.name = name
        self.change = None

    def to(self, change):
        self.change = change
        return self

    def removed(self):
        """Is not done."""
        return self.to(lambda text, of: replaced(text, of[0].begin, of[-1].end, ""))

    def instead(self, new):
        """This is there instead; `{}` in it is what was there."""
        return self.to(lambda text, of: filled(text, of[0].begin, of[-1].end, new))

    def after_the_next(self):
        """Is done after the statement that follows it."""

        def change(text, of):
            other = statement(text, of[-1].end)
            first, second = text[of[0].begin : of[-1].end], text[other[0].begin : other[-1].end]
            between = text[of[-1].end : other[0].begin]
            return replaced(text, of[0].begin, other[-1].end, second + between + first)

        return self.to(change)

    def condition(self, new):
        """The condition of the `if`, `while` or match arm becomes this; `{}` in it is what it was."""

        def change(text, of):
            keyword = next((at for at, token in enumerate(of) if token.text in ("if", "while") and token.depth == 0), None)
            if keyword is None:
                raise Lost("there is no condition")
            ends = ("{",) if keyword == 0 else ("=>",)
            end = next((token for token in of[keyword + 1 :] if token.text in ends and token.depth == 0), None)
            if end is None:
                raise Lost("there is no end of the condition")
            return filled(text, of[keyword].end, end.begin, f" {new} ")

        return self.to(change)

    def value(self, new):
        """What is assigned, bound, returned or the result becomes this; `{}` in it is what it was."""

        def change(text, of):
            begins = [token for token in of if token.depth == 0 and token.text in ASSIGNMENTS | {"=>"}]
            begin = begins[0].end if begins else of[0].begin
            if of[0].text == "return":
                begin = of[0].end
            end = of[-1].begin if of[-1].text in (";", ",") else of[-1].end
            return filled(text, begin, end, f" {new}")

        return self.to(change)

    def body(self, new):
        """The function does this; `{}` in it is what it did, as a block."""

        def change(text, of):
            opening = next((token for token in of if token.text == "{" and token.depth == 0), None)
            if opening is None or not any(token.text == "fn" for token in of):
                raise Lost("it is no function")
            return filled(text, opening.begin, of[-1].end, "{ " + new + " }")

        return self.to(change)


class Text:
    """A guard that has no name yet: a text that stands once in its file."""

    def __init__(self, name, text, instead):
        self.name, self.text, self.new = name, text, instead


def replaced(text, begin, end, new):
    return text[:begin] + new + text[end:]


def filled(text, begin, end, new):
    return replaced(text, begin, end, new.replace("{}", text[begin:end].strip()))


class Sources:
    """A copy of the sources, changed and restored."""

    def __init__(self, folder):
        self.folder = folder
        self.originals = {}

    def markers(self):
        """Where each name is: file and offset of the end of its line. A name stands once."""
        found = {}
        for path in sorted(self.folder.rglob("*.rs")):
            for match in MARKER.finditer(path.read_text()):
                if match.group(1) in found:
                    raise Lost(f"the marker `{match.group(1)}` stands twice")
                found[match.group(1)] = (path, match.end())
        return found

    def change(self, guards):
        for guard in guards:
            if isinstance(guard, Text):
                path = self.folder / guard.name
                if not path.exists() or path.read_text().count(guard.text) != 1:
                    raise Lost(f"its text is not (once) in {guard.name}: {guard.text!r}")
                self.originals.setdefault(path, path.read_text())
                path.write_text(path.read_text().replace(guard.text, guard.new))
                continue
            place = self.markers().get(guard.name)
            if place is None:
                raise Lost(f"no line `// canary: {guard.name}` is in {self.folder.name}")
            path, end = place
            text = path.read_text()
            self.originals.setdefault(path, text)
            path.write_text(guard.change(text, statement(text, end)))

    def restore(self):
        for path, text in self.originals.items():
            path.write_text(text)
        self.originals.clear()
