"""Finds what a person reads and no catalogue holds: in templates, scripts and modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

#: Names and signs that are the same in every language.
SAME_EVERYWHERE = (
    {"JSN", "UTC", "Authorization", "Token", "REST"} | set("bdhirstxyUTC") | {"dx", "dy", "mm", "px", "bit"}
)
TAGS = re.compile(
    r"{#.*?#}|{% *comment.*?endcomment *%}|{% *blocktranslate.*?endblocktranslate *%}|<script.*?</script>"
    r"|<kbd.*?</kbd>|<code.*?</code>",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r'(?:aria-label|title|alt|placeholder|label|text)="([^"]*)"')
SHOWN_BY_SCRIPT = re.compile(r'\.(?:textContent|innerText|ariaLabel|title|alt) = |"aria-label"[,:] ')
WORD = re.compile(r"[A-Za-z]+")


def unmarked_in_template(source: str) -> Iterator[str]:
    source = re.sub(r"&\w+;", "", TAGS.sub("", source))
    spoken = ATTRIBUTE.findall(re.sub(r"{%(?! *include).*?%}|{{.*?}}", "", source, flags=re.DOTALL))
    # a tag may hold quotes with template tags and their > in them
    text = re.sub(r"{%.*?%}|{{.*?}}", "", source, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "\n", text)
    for found in [*spoken, *text.splitlines()]:
        if set(WORD.findall(found)) - SAME_EVERYWHERE:
            yield found.strip()


def literals_in_script(source: str) -> Iterator[str]:
    for line in re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL).splitlines():
        line = re.sub(r"(^|\s)//.*", "", line)
        if "new Error(" in line or "console." in line or line.startswith("import "):
            continue
        sentences = [text for text in literals(line) if re.match(r"[A-Z][a-z]+ [a-z]", text)]
        shown = SHOWN_BY_SCRIPT.search(line)
        named = literals(line[shown.end() :]) if shown else []
        yield from dict.fromkeys(
            sentences + [text for text in named if re.search(r"[A-Za-z]{3}", re.sub(r"\$\{.*?\}", "", text))]
        )


def literals(line: str) -> list[str]:
    return re.findall(r'"([^"]*)"', line) + re.findall(r"`([^`]*)`", line)


SHOWN = {"label", "help_text", "empty_label", "description"}
REFUSALS = {"DomainError": 1, "NotAllowed": 0}


def unmarked_in_module(source: str) -> Iterator[int]:
    """Lines of calls that say something to a person in words that no catalogue holds."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        if name in REFUSALS and len(call.args) > REFUSALS[name]:
            said = call.args[REFUSALS[name]]
            if isinstance(said, ast.JoinedStr | ast.BinOp):
                yield call.lineno
        if re.fullmatch(r"messages\.(success|error|warning|info)", name) and _is_literal(call.args[1]):
            yield call.lineno
        if name.startswith(("forms.", "models.", "ManyFiles", "admin.action")):
            yield from (
                word.value.lineno for word in call.keywords if word.arg in SHOWN and _is_literal(word.value)
            )


def choices_in_module(source: str) -> Iterator[str]:
    """Labels of choices that no catalogue holds; DICOM keywords have no translation."""
    for group in ast.walk(ast.parse(source)):
        if not isinstance(group, ast.ClassDef) or "TextChoices" not in "".join(map(ast.unparse, group.bases)):
            continue
        for line in group.body:
            if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
                label = line.value.elts[1]
                if isinstance(label, ast.Constant) and not re.fullmatch(r"([A-Z][a-z]+){2,}", label.value):
                    yield label.value


def translated_on_import(source: str) -> Iterator[int]:
    """Lines that translate once and for all, when the module is imported and nobody reads yet."""
    tree = ast.parse(source)
    names = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.name in {"gettext", "ngettext", "pgettext"}
    }
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
            yield node.lineno
        waiting += ast.iter_child_nodes(node)


def _is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and WORD.search(str(part.value)) for part in node.values)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WORD.search(node.value))


def sentences_of(source: str) -> Iterator[str]:
    """Strings of a module that are sentences, their gaps filled with a number, docstrings apart."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(node.body[0], ast.Expr)
    }
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docs or id(node) in pieces:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.match(r"[A-Z].* .*[.]$", text, re.DOTALL):
            yield text
