# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the end-to-end tests. See tests/README.md."""
import os
import pathlib
import shutil
import signal
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests" / "scapy"))
from lab.laboratory import Laboratory, TwoRouters  # noqa: E402


def pytest_configure():
    # Who ends the run gets the laboratories taken down all the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    if os.geteuid() == 0 and shutil.which("ip"):
        return
    for item in items:
        item.add_marker(pytest.mark.skip(reason="network namespaces need root and iproute2"))


@pytest.fixture(name="build", scope="session")
def build_folder():
    return pathlib.Path(os.environ.get("POSTHASTE_BUILD", ROOT / "build"))


@pytest.fixture(name="lab")
def laboratory(build, request):
    """A laboratory of one test. Routers that still run at its end must have settled accounts, and
    end with status 0: after the last frame they count their buffers themselves."""
    with Laboratory(build) as made:
        yield made
        wrong = made.settle()
        running = [router for router in made.routers if router.running]
        statuses = {router.name: router.stop() for router in running}
        show_logs(request, made)
        assert not wrong, "\n".join(wrong)
        assert not any(statuses.values()), statuses


@pytest.fixture(name="shared", scope="module")
def shared_network(build):
    """Two running routers for the tests of one file, which leave them as they found them."""
    with Laboratory(build) as made:
        network = TwoRouters(made).start()
        yield network
        statuses = [router.stop() for router in made.routers]
        assert statuses == [0, 0]


@pytest.fixture(name="network")
def settled_network(shared, request):
    """The shared routers; when a test ends its agents are gone and all accounts are settled."""
    yield shared
    show_logs(request, shared.lab)
    while shared.lab.closing:
        shared.lab.closing.pop().close()
    for router in shared.lab.routers:
        for agent in router.agents():
            router.command("agent", "remove", agent)
    wrong = shared.lab.settle()
    assert not wrong, "\n".join(wrong)


@pytest.fixture(name="v6", params=[False, True], ids=["ipv4", "ipv6"])
def address_family(request):
    return request.param


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    setattr(item, f"report_{outcome.get_result().when}", outcome.get_result())


def show_logs(request, lab):
    """Prints what the routers said, where the test failed; pytest shows it with the failure."""
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        for router in lab.routers:
            print(f"--- log of {router.name}\n{router.log_text()}")
