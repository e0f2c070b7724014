"""Connectors that the scaffold writes install and pass their tests, for each protocol.

docs/tutorial.md shows the one for REST, see test_tutorial.py.
"""

import pytest

from scripts import databases, servers
from scripts.paths import ODOO, ROOT
from scripts.programs import run
from scripts.progress import Failure

LOG = "see above."
PROTOCOLS = ("rest", "graphql", "xmlrpc", "jsonrpc")


def scaffold(*arguments):
    return run([ODOO, f"--addons-path={ROOT}", "connector_scaffold", *map(str, arguments)], LOG)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_connector_for_each_protocol_installs_and_passes_its_tests_with_a_model_added(tmp_path, protocol):
    scaffold("web_shop", tmp_path, "--protocol", protocol)
    scaffold("web_shop", tmp_path, "--model", "product.category", "--depends", "product")
    name = f"connector_test_scaffold_{protocol}"
    databases.create(name, databases.installed(["connector"], databases.template()))
    try:
        options = ["-d", name, "-i", "connector_web_shop", "--test-tags", "/connector_web_shop"]
        port = ["--http-interface", "127.0.0.1", "--http-port", servers.free_port()]  # tests serve HTTP
        server = [ODOO, f"--addons-path={ROOT},{tmp_path}", "server"]
        log = run([*server, *options, *port, "--stop-after-init"], LOG)
    finally:
        databases.drop(name)
    inherited = (ROOT / "connector/testing/contract").glob("*.py")
    texts = [path.read_text() for path in (*tmp_path.rglob("test_*.py"), *inherited)]
    tests = sum(text.count("    def test_") for text in texts)
    assert f"0 failed, 0 error(s) of {tests} tests" in log, log
    assert "nobody knows whether its paths are right" not in log, "the recorded exchange is not used"
    installation, *_tests = log.split("Starting post tests")
    assert f"WARNING {name}" not in installation, installation


def test_the_help_tells_the_protocols_and_how_a_model_is_added():
    printed = scaffold("--help")
    for word in (*PROTOCOLS, "--model product.product --depends product", "odoo --addons-path=..."):
        assert word in printed


def test_what_is_refused_is_told_and_nothing_is_written(tmp_path):
    with pytest.raises(Failure, match="is no connector: an addon is expected there"):
        scaffold("shop", tmp_path, "--model", "product.product")
    with pytest.raises(Failure, match="--record and --depends need --model"):
        scaffold("shop", tmp_path, "--depends", "product")
    assert not list(tmp_path.iterdir())
