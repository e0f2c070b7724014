"""Add items to a list of a manifest, and a line to the end of a file."""

import ast


def with_items(manifest, key, items):
    """Return a manifest with further texts in one of its lists, which otherwise stays as it is.

    Texts that are in the list already are not added.

    :param manifest: content of ``__manifest__.py``
    :param key: key of the list
    :param items: list of texts
    :raise ValueError: there is no such list, or nothing is in it
    """
    found = _list_of(manifest, key)
    items = [item for item in items if item not in ast.literal_eval(found)]
    last = found.elts[-1]
    space = " " if last.end_lineno == found.end_lineno else f"\n{' ' * last.col_offset}"
    lines = manifest.encode().splitlines(keepends=True)
    line = lines[last.end_lineno - 1]
    added = "".join(f',{space}"{item}"' for item in items).encode()
    lines[last.end_lineno - 1] = line[: last.end_col_offset] + added + line[last.end_col_offset :]
    return b"".join(lines).decode()


def _list_of(manifest, key):
    """Return the list at a key of a manifest, as a node of its syntax tree."""
    problem = f"The list “{key}” of __manifest__.py is not found: write it there with at least one item"
    try:
        tree = ast.parse(manifest).body[-1].value
    except (SyntaxError, AttributeError, IndexError):
        raise ValueError(problem) from None
    if isinstance(tree, ast.Dict):
        for name, value in zip(tree.keys, tree.values, strict=True):
            is_it = isinstance(name, ast.Constant) and name.value == key
            if is_it and isinstance(value, ast.List) and value.elts:
                return value
    raise ValueError(problem)


def with_line(content, line):
    """Return the content of a file with a further line at its end."""
    start = content if not content or content.endswith("\n") else f"{content}\n"
    return f"{start}{line}\n"
