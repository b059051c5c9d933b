from __future__ import annotations

from engine.transport.idle import IdlePool


class Connection:
    def __init__(self) -> None:
        self.closed = False
        self.reusable = True

    def close(self) -> None:
        self.closed = True


def test_the_last_used_connection_of_a_key_is_taken_first():
    pool = IdlePool(10, 5)
    first, second = Connection(), Connection()
    pool.put("a", first, 0)
    pool.put("a", second, 1)
    assert pool.take("b", 1) is None
    assert [pool.take("a", 1), pool.take("a", 1), pool.take("a", 1)] == [second, first, None]


def test_beyond_the_bound_the_longest_idle_is_closed():
    pool = IdlePool(2, 5)
    connections = [Connection() for _ in range(3)]
    for connection, key in zip(connections, "aba", strict=True):
        pool.put(key, connection, 0)
    assert [connection.closed for connection in connections] == [True, False, False]
    assert pool.take("a", 0) is connections[2]
    assert len(pool) == 1


def test_what_waited_too_long_or_was_closed_by_its_server_is_not_taken():
    pool = IdlePool(10, 5)
    old, broken, good = Connection(), Connection(), Connection()
    pool.put("a", old, 0)
    pool.put("a", good, 3)
    pool.put("a", broken, 3)
    broken.reusable = False
    assert pool.take("a", 6) is good
    assert broken.closed
    pool.expire(6)
    assert old.closed
    assert len(pool) == 0


def test_without_keepalive_nothing_is_kept_and_closing_closes_all():
    none = IdlePool(10, 0)
    connection = Connection()
    none.put("a", connection, 0)
    assert connection.closed
    pool = IdlePool(10, 5)
    kept = [Connection(), Connection()]
    for each in kept:
        pool.put("a", each, 0)
    pool.close()
    assert all(each.closed for each in kept)
    assert pool.take("a", 0) is None
