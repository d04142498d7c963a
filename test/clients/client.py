# Client: what a program does that is written with pyxs.
# Holds   calls and what they must return; prints "done" when everything did.
# Never   connects to anything but XENSTORED_PATH.
# Source  the XenStore protocol, as pyxs shows it.

import errno

from pyxs import Client, PyXSError

with Client() as client:
    client[b"/py/a"] = b"1"
    client.write(b"/py/b/c", b"bytes \x00\x7f")
    client.mkdir(b"/py/d")
    assert client[b"/py/a"] == b"1"
    assert client.read(b"/py/b/c") == b"bytes \x00\x7f"
    assert client.list(b"/py") == [b"a", b"b", b"d"]
    assert client.exists(b"/py/a") and not client.exists(b"/py/nope")
    client.set_perms(b"/py/a", [b"b0", b"r7"])
    assert client.get_perms(b"/py/a") == [b"b0", b"r7"]
    assert client.get_domain_path(3) == b"/local/domain/3"
    assert not client.is_domain_introduced(3)
    try:
        client.read(b"/py/nope")
    except PyXSError as error:
        assert error.args[0] == errno.ENOENT, error.args
    else:
        raise AssertionError("no error")

    client.transaction()
    client[b"/py/a"] = b"2"
    with Client() as other:
        assert other[b"/py/a"] == b"1"
    assert client.commit()
    client.transaction()
    assert client[b"/py/a"] == b"2"
    with Client() as other:
        other[b"/py/a"] = b"3"
    client[b"/py/a"] = b"4"
    assert not client.commit()
    assert client[b"/py/a"] == b"3"

    with client.monitor() as monitor:
        monitor.watch(b"/py", b"token")
        assert tuple(next(monitor.wait())) == (b"/py", b"token")
        client[b"/py/e"] = b"x"
        assert tuple(next(monitor.wait())) == (b"/py/e", b"token")
        monitor.unwatch(b"/py", b"token")
    client.delete(b"/py")
    assert not client.exists(b"/py")
print("done")
