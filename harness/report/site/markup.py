"""HTML by construction: a plain text becomes text, whatever it holds; only what is made here is markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...text.errors import one_line

_LONGEST = 4_000
"""Letters of one text that are shown."""
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&*+,;=:@%/?#-]*)?")
_ARXIV = re.compile(r"\barXiv[: ]\s?([0-9]{4}\.[0-9]{4,5})")
_LONGEST_ADDRESS = 500


@dataclass(frozen=True)
class Html:
    """Markup that is written as it is."""

    text: str

    def __str__(self) -> str:
        return self.text


Content = str | Html


def escaped(content: Content) -> str:
    """The markup of a content: a text on one line, a blank at its ends kept, with nothing that a browser acts on."""
    if isinstance(content, Html):
        return content.text
    before, behind = (" " if end.isspace() else "" for end in (content[:1], content[1:][-1:]))
    return f"{before}{html.escape(one_line(content, _LONGEST), quote=True)}{behind}"


def element(tag: str, *children: Content, **attributes: str | bool) -> Html:
    """An element. An attribute that is False is left out; of its name `_` is `-`, and one at its end goes: `class_`."""
    shown = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escaped(str(value))}"')
        for name, value in attributes.items()
        if value is not False
    )
    inner = "".join(map(escaped, children))
    return Html(f"<{tag}{shown}>" if tag in ("input", "meta", "link") else f"<{tag}{shown}>{inner}</{tag}>")


def joined(contents: Iterable[Content], between: str = "\n") -> Html:
    """Contents one after the other."""
    return Html(between.join(map(escaped, contents)))


def link(text: Content, address: str) -> Html:
    """A link within the site."""
    return element("a", text, href=address)


def bullets(contents: Iterable[Content], **attributes: str) -> Html:
    """A list; nothing where there is nothing to list."""
    items = [element("li", one) for one in contents]
    return element("ul", *items, **attributes) if items else Html("")


def table(
    label: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Content]],
    numeric: Sequence[int] = (),
    states: Sequence[str] = (),
) -> Html:
    """A table in a box that scrolls sideways; the columns at the places `numeric` are set to the right.

    `states` are what the filter of the page may hide each row by.
    """
    sides = ["n" if place in numeric else "" for place in range(len(head))]
    titles = [element("th", text, scope="col", class_=side or False) for text, side in zip(head, sides, strict=True)]
    body = []
    for place, row in enumerate(rows):
        cells = [element("td", cell, class_=side or False) for cell, side in zip(row, sides, strict=True)]
        body.append(element("tr", *cells, data_is=states[place] if states else False))
    whole = element(
        "table", element("caption", label), element("thead", element("tr", *titles)), element("tbody", *body)
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=label)


def row_filter(boxes: Sequence[tuple[str, str]]) -> Html:
    """Boxes above a table, by the state of the rows that each hides; shown where scripts run."""
    labels = [element("label", element("input", type="checkbox", value=state), text) for state, text in boxes]
    status = element("span", id="count", class_="soft", role="status")
    return element("fieldset", element("legend", "Rows"), *labels, status, id="filter", hidden=True)


def breakable(name: str) -> Html:
    """A long name may break after a bracket, a comma, a slash or an underscore."""
    return Html("<wbr>".join(escaped(part) for part in re.split(r"(?<=[(,/_=])", one_line(name, 2_000))))


def with_links(text: str, trusted: bool = True) -> Html:
    """A text whose http addresses, and numbers of arXiv, are links, which say so where it is not `trusted`."""
    flat, parts, end = one_line(text, _LONGEST), list[Content](), 0
    matches = sorted([*_ADDRESS.finditer(flat), *_ARXIV.finditer(flat)], key=lambda match: match.start())
    for match in matches:
        address = match[0].rstrip(".,;:!?") if match.re is _ADDRESS else f"https://arxiv.org/abs/{match[1]}"
        if match.start() < end or len(address) > _LONGEST_ADDRESS:
            continue
        shown = address if match.re is _ADDRESS else match[0]
        parts += [flat[end : match.start()], outward(shown, address, trusted)]
        end = match.start() + len(shown)
    return joined([*parts, flat[end:]], "")


def outward(text: Content, address: str, trusted: bool = True) -> Html:
    """A link that leaves the site."""
    return element("a", text, href=address, rel="noreferrer" if trusted else "noreferrer nofollow ugc")


def web_addresses(text: str) -> list[str]:
    """The http addresses in a text, each once."""
    matches = (match[0].rstrip(".,;:!?") for match in _ADDRESS.finditer(one_line(text, _LONGEST)))
    return list(dict.fromkeys(address for address in matches if len(address) <= _LONGEST_ADDRESS))


def paragraphs(doc: str) -> Html:
    """A docstring: its paragraphs, of which an indented one keeps its lines."""
    blocks: list[Html] = []
    for block in re.split(r"\n\s*\n", doc.strip()):
        lines = block.splitlines()
        if lines and all(line.startswith("    ") for line in lines):
            blocks.append(code_block([line[4:] for line in lines]))
        elif block.strip():
            blocks.append(element("p", with_code(" ".join(line.strip() for line in lines))))
    return joined(blocks)


def with_code(text: str) -> Html:
    """A text whose parts between backticks are code."""
    parts = re.split(r"`+([^`]+)`+", one_line(text, _LONGEST))
    return joined((element("code", part) if place % 2 else part for place, part in enumerate(parts)), "")


def code_block(lines: Iterable[str]) -> Html:
    """Lines of a shell or a program."""
    text = "\n".join(html.escape("".join(c for c in line if c.isprintable()), quote=True) for line in lines)
    return Html(f'<pre tabindex="0"><code>{text}</code></pre>')
