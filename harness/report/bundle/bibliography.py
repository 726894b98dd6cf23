"""BibTeX of what a board rests on: the citations of its methods and datasets, with what is known of each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...text.errors import one_line
from ..escape import latex

_FILE = Path(__file__).with_name("references.bib")
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_SHORT = re.compile(r"([^\d,;]+?(?:,[^\d,;]+?)*),? ((?:1[89]|20)\d\d(?:, (?:1[89]|20)\d\d)*)")
_LONG = re.compile(
    r"(?P<authors>(?:[A-Z]\. ?)+[^,]+(?:, (?:[A-Z]\. ?)+[^,]+)*), (?P<title>.+?), (?P<how>.+), (?P<year>\d{4})"
    r"(?P<rest>.*)"
)

_HEAD = re.compile(r"@([A-Za-z]+)\s*\{\s*([\w:.+/-]+)\s*,", re.ASCII)
_FIELDS = re.compile(r'\s*(?:[A-Za-z][\w-]*\s*=\s*(?:\0|"[^"{}]*"|[0-9]+|[A-Za-z]\w*)\s*(?:,\s*|\Z))*', re.ASCII)
"""Fields of an entry where each text in braces is a NUL. No `#`, which could join the halves of a command."""
_NO_WORKS = ("preamble", "string", "comment")
_DEEP = 10
"""Braces within braces that a field may have."""
_ODD = re.compile(r"\^\^|.@\s*\w+\s*[{(]|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", re.DOTALL)
"""What TeX reads as another character; a second entry, where BibTeX reads on after a mistake; control characters."""
_NAMES = (
    "c v u H k r b d t i j l L o O ae AE oe OE aa AA ss dh DH dj DJ ng NG th TH S P "
    "emph textit textbf textsc textsf texttt textrm textsuperscript textsubscript em it bf sc tt rm sf url "
    "mathrm mathbf mathit mathcal mathbb ensuremath text TeX LaTeX ldots dots textendash textemdash textasciitilde "
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi varphi chi "
    "psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell infty times cdot pm sim approx leq geq to "
    "rightarrow sqrt frac nabla partial"
)
_COMMANDS = frozenset(_NAMES.split()) | frozenset("'`^\"~=.&%$#_{}-/, ")
"""The commands of LaTeX that entries of papers use; none reads, writes or defines anything."""


def known_entries() -> dict[str, str]:
    """The entries of `references.bib` by key."""
    text = _FILE.read_text(encoding="utf-8")
    return {key: whole for whole, key in re.findall(r"^(@\w+\{([^,\s]+),.*?^\})", text, re.MULTILINE | re.DOTALL)}


def key_of_name(name: str, year: str = "") -> str:
    """`Mäkitalo & Foi`, `2011` → `makitalo2011`."""
    first = re.split(r"\s*(?:,|&| and | et al)", name.strip())[0].split()
    plain = unicodedata.normalize("NFKD", first[-1] if first else "").encode("ascii", "ignore").decode()
    return (re.sub(r"[^a-z0-9]", "", plain.lower()) or "work") + year


def entries_of(cite: str, fallback: str) -> list[tuple[str, str]]:
    """(key, entry) of each work in a free text; `fallback` is the key where the text gives none.

    A text that is one BibTeX entry is taken as it is. `Author & Author 2005; Other et al. 2008` is looked up among
    the known; `A. Author et al., Title, Venue, 2017` is taken apart; anything else becomes a @misc with a note.
    """
    text = cite.strip()
    if bibtex := _own_entry(text):
        return [bibtex]
    flat = one_line(text, 2_000)
    if not flat:
        return []
    works: list[tuple[str, str]] = []
    known = known_entries()
    for piece in flat.split("; "):
        short, long = _SHORT.fullmatch(piece), _LONG.fullmatch(piece)
        if long:
            key = key_of_name(long["authors"].split(",")[0], long["year"])
            authors = re.sub(r",? et al\.?$", " and others", long["authors"].replace(", ", " and "))
            fields = {"author": authors, "title": long["title"], "howpublished": long["how"], "year": long["year"]}
            rest = long["rest"].strip(" ,.")
            same = known.get(key, "")
            if same and _words(long["title"])[:3] == _words(same.partition("title = ")[2])[:3]:
                works.append((key, same))
            else:
                works.append((key, entry("misc", key, fields | ({"note": rest} if rest else {}))))
        elif short:
            names, years = short[1].strip(" ,"), short[2].split(", ")
            for year in years:
                key = key_of_name(names, year)
                plain = {"author": _authors(names), "title": f"{names} ({year})", "year": year}
                works.append((key, known.get(key) or entry("misc", key, plain)))
        else:
            year_found = _YEAR.search(piece)
            fields = {"title": piece} | ({"year": year_found[1]} if year_found else {})
            works.append((fallback, entry("misc", fallback, fields)))
    return works


def _own_entry(text: str) -> tuple[str, str] | None:
    """Key and entry of a text that is one BibTeX entry, and nothing that LaTeX or BibTeX would carry out."""
    head = _HEAD.match(text)
    if head is None or head[1].lower() in _NO_WORKS or not text.endswith("}") or not _harmless(text):
        return None
    # BibTeX counts every brace, also one after a backslash.
    fields = text[head.end() : -1]
    for _ in range(_DEEP):
        fields = re.sub(r"\{[^{}]*\}", "\0", fields)
    return (head[2], f"@{head[1]}{{{head[2]},{text[head.end() :]}") if _FIELDS.fullmatch(fields) else None


def _harmless(text: str) -> bool:
    """Whether all commands are known ones, and nothing else may come to be one."""
    commands = re.findall(r"\\([A-Za-z@]+|.?)", text, re.DOTALL)
    return balanced(text) and not _ODD.search(text) and _COMMANDS.issuperset(commands)


def _authors(names: str) -> str:
    return re.sub(r" et al\.?$", " and others", re.sub(r", | & ", " and ", names))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"[{}]", "", text.lower()))


def entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    """A BibTeX entry; every text is escaped, so that it prints as it is and closes what it opens."""
    lines = [f"  {name} = {{{_value(name, text)}}}," for name, text in fields.items() if text]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _value(name: str, text: str) -> str:
    if name == "url":
        return re.sub(r"[^\w.:/?&=+~#@-]", "", text)
    return latex(text).replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")


def balanced(text: str) -> bool:
    """Whether braces close what they open."""
    depth = 0
    for sign in re.sub(r"\\.", "", text, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            return False
    return depth == 0


def bibliography(
    methods: Iterable[tuple[str, str]], datasets: Sequence[tuple[str, Mapping[str, str]]]
) -> tuple[str, dict[str, list[str]]]:
    """`references.bib` and, by method or dataset name, the keys to `\\cite`.

    `methods` are (name, cite); `datasets` are (name, {citation, homepage, licence}).
    """
    entries: dict[str, str] = {}
    used: dict[str, list[str]] = {}

    def add(name: str, works: Sequence[tuple[str, str]]) -> None:
        for key, text in works:
            chosen, number = key, 2
            while chosen in entries and entries[chosen] != text.replace(f"{{{key},", f"{{{chosen},", 1):
                chosen, number = f"{key}-{number}", number + 1
            entries[chosen] = text.replace(f"{{{key},", f"{{{chosen},", 1)
            if chosen not in used.setdefault(name, []):
                used[name].append(chosen)

    for name, cite in methods:
        add(name, entries_of(cite, f"method-{_plain_key(name)}"))
    for name, about in datasets:
        key = f"dataset-{_plain_key(name)}"
        fields = {"key": name, "title": f"{name} (dataset)", "url": about.get("homepage", "")}
        if about.get("licence"):
            fields["note"] = f"Licence: {about['licence']}"
        add(name, [(key, entry("misc", key, fields)), *entries_of(about.get("citation", ""), f"{key}-source")])
    return "\n\n".join(entries[key] for key in sorted(entries)) + "\n", used


def _plain_key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "unnamed"
