# Low level: Xen's own Python module in the part of a toolstack that makes a domain.
# Holds   calls and what they must return; prints "done" when everything did.
# Never   connects to anything but XENSTORED_PATH.
# Source  the XenStore protocol, as the module shows it.

from xen.lowlevel.xs import Error, xs

store = xs()


def fails(errno, call, *arguments):
    """The call must end with this errno."""
    try:
        call(*arguments)
    except Error as error:
        assert error.args[0] == errno, error.args
    else:
        raise AssertionError("no error")


HOME = "/local/domain/5"
NO = "0"

while True:
    tx = store.transaction_start()
    store.rm(tx, HOME)
    store.mkdir(tx, HOME)
    store.set_permissions(tx, HOME, [{"dom": 0, "read": False}, {"dom": 5, "read": True}])
    store.write(tx, HOME + "/name", "guest")
    store.write(tx, HOME + "/data/deep", "")
    assert store.read(NO, HOME + "/name") is None
    if store.transaction_end(tx):
        break

assert store.read(NO, HOME + "/name") == b"guest"
assert store.ls(NO, HOME) == ["name", "data"]
assert store.ls(NO, "/nope") is None
permissions = store.get_permissions(NO, HOME)
assert [entry["dom"] for entry in permissions] == [0, 5]
assert [entry["read"] for entry in permissions] == [0, 1]
assert store.get_domain_path(5) == HOME

store.watch("@introduceDomain", "in")
assert tuple(store.read_watch()) == ("@introduceDomain", "in")
store.watch(HOME, "home")
assert tuple(store.read_watch()) == (HOME, "home")
store.introduce_domain(5, 1, 7)
assert tuple(store.read_watch()) == ("@introduceDomain", "in")
store.write(NO, HOME + "/name", "renamed")
assert tuple(store.read_watch()) == (HOME + "/name", "home")
store.unwatch(HOME, "home")
fails(2, store.unwatch, HOME, "home")
store.resume_domain(5)
fails(2, store.set_target, 5, 99)
store.release_domain(5)
fails(2, store.release_domain, 5)

tx = store.transaction_start()
assert store.read(tx, HOME + "/name") == b"renamed"
other = xs()
other.write(NO, HOME + "/name", "meanwhile")
store.write(tx, HOME + "/name", "too late")
assert store.transaction_end(tx) is False
assert store.read(NO, HOME + "/name") == b"meanwhile"
tx = store.transaction_start()
store.rm(tx, HOME)
assert store.transaction_end(tx, True) is True
assert store.read(NO, HOME + "/name") == b"meanwhile"
store.rm(NO, HOME)
fails(22, store.read, NO, "/bad//path")
other.close()
store.close()
print("done")
