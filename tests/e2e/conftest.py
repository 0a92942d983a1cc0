# SPDX-License-Identifier: BSD-2-Clause
"""What every end-to-end test shares. They need root, the built program and the built servers."""
import os
import random
import sys

import pytest

sys.dont_write_bytecode = True

from lab_server import BUILT, Peer  # noqa: E402
from lab_tracer import LGTRACE  # noqa: E402


@pytest.fixture(autouse=True, scope="session")
def needs():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for path in (LGTRACE, BUILT / "epoll_server", BUILT / "peer"):
        assert os.access(path, os.X_OK), f"{path} is not built: make all apps"


@pytest.fixture(scope="session")
def peer():
    with Peer() as running:
        yield running


@pytest.fixture(params=["syscall", "libc"])
def mode(request):
    return request.param


@pytest.fixture
def rng():
    """Planted lengths vary from run to run: nothing may lean on a nominal one."""
    return random.Random()


@pytest.fixture
def folder(tmp_path):
    """Of the test, open to a server that gives up its rights."""
    tmp_path.chmod(0o755)
    return tmp_path
