"""The checks of style: `make lint`."""

from .paths import ADDONS, PYTHON, ROOT
from .programs import attend
from .progress import command


def main():
    """Run each check and return 0 if all are content."""
    python = [PYTHON, "-m"]
    checks = (
        [*python, "ruff", "check"],
        [*python, "ruff", "format", "--check"],
        [*python, "pylint", *ADDONS],
    )
    statuses = []
    for check in checks:
        print(f"$ {' '.join(map(str, check[2:]))}", flush=True)
        statuses.append(attend(check, cwd=ROOT))
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    command(main)
