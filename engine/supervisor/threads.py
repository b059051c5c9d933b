"""Work in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_daemon_thread(call: Callable[[], T]) -> T:
    """Run a blocking call beside the loop.

    Unlike asyncio.to_thread, neither the loop's end nor the interpreter's waits for a call that was abandoned: reading
    up to the middle of a large packed input takes minutes, and a Ctrl-C must not.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type] # T itself may be None

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:  # noqa: BLE001 - handed to the waiter, whatever it is
            error = raised
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:
                if not loop.is_closed():  # it closed between the two lines: nobody waits any more
                    raise

    threading.Thread(target=work, daemon=True, name="enrich-read").start()
    return await future
