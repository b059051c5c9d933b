from __future__ import annotations

import errno
import io

from rich.console import Console

from engine.observe.live import LiveProgress, render
from engine.observe.progress import LineProgress, Meter, percent


def busy(gauges, finished=100):
    return gauges(
        known=400, done=finished - 2, failed=2, finished=finished, in_flight=9, connecting=3, limit=12,
        limit_cause="success rate 0.99 over 100", timed=50, fetch_ms_sum=245.0 * 50, process_ms_sum=18.0 * 50,
        waiting_for_nlp=4, waiting=6, open_breakers=1, failed_by_kind={"http_status": 1, "dns_failed": 1}, tail_s=75.0,
    )  # fmt: skip


def test_a_plain_line_says_it_all(gauges):
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.start()
    progress.update([busy(gauges, 60)], 2, 6.0)
    assert not stream.getvalue()
    progress.update([busy(gauges)], 2, 10.0)
    assert stream.getvalue() == (
        "Processed: 100 | Success: 98.0% | Concurrency: 12 | Avg fetch: 245ms | Avg process: 18ms | Rate: 10.0/s"
        " | In flight: 9 | Waiting for NLP: 4 (2 processes) | Open breakers: 1"
        " | Failed: 2 (http_status 1, dns_failed 1) | Left: 300 | ETA: 1m 15s\n"
    )


def test_lines_come_by_intervals_of_ticks_and_at_the_end(gauges):
    stream = io.StringIO()
    progress = LineProgress(stream)
    for tick in range(1, 51):
        progress.update([busy(gauges, 100 + tick)], 1, tick * 0.5)
    progress.update([busy(gauges, 300)], 1, 100.0)  # the machine was suspended: one line for the whole gap
    progress.update([busy(gauges, 301)], 1, 100.5)
    progress.stop()
    progress.stop()
    assert [line.split(" | ")[0] for line in stream.getvalue().splitlines()] == [
        "Processed: 120",
        "Processed: 140",
        "Processed: 300",
        "Processed: 301",
    ]


def test_a_run_that_never_ticked_writes_nothing():
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.start()
    progress.stop()
    assert not stream.getvalue()


def test_a_line_before_anything_is_known_has_no_made_up_numbers(gauges):
    stream = io.StringIO()
    progress = LineProgress(stream)
    progress.update([gauges(known=5)], 0, 0.2)
    progress.stop()
    assert "Success: - | Concurrency: 10 | Avg fetch: - | Avg process: - | Rate: -" in stream.getvalue()
    assert stream.getvalue().endswith("Failed: 0 | Left: 5 | ETA: unknown\n")


def test_no_time_is_told_before_a_url_is_known(gauges):
    meter = Meter()
    meter.update([gauges()], 0, 1.0)
    assert meter.eta_s is None


def test_many_kinds_of_failure_stay_one_line(gauges):
    stream = io.StringIO()
    progress = LineProgress(stream)
    kinds = {"http_status": 5, "dns_failed": 4, "tls_failed": 3, "read_timeout": 2, "bad_response": 1}
    progress.update([gauges(known=15, failed=15, failed_by_kind=kinds)], 0, 11.0)
    assert "Failed: 15 (http_status 5, dns_failed 4, tls_failed 3, others 3)" in stream.getvalue()


class ClosedTerminal(io.StringIO):
    def write(self, _text):
        raise OSError(errno.EIO, "Input/output error")


def test_a_closed_terminal_stops_no_run(gauges):
    progress = LineProgress(ClosedTerminal())
    progress.update([busy(gauges)], 1, 20.0)
    progress.stop()
    live = LiveProgress(Console(file=ClosedTerminal(), force_terminal=True))
    live.update([busy(gauges)], 1, 20.0)
    live.stop()


def test_only_perfection_is_a_hundred_percent():
    assert percent(1.0) == "100.0%"
    assert percent(0.99999) == "99.9%"


def test_the_live_display_shows_the_state_and_leaves_the_screen(gauges):
    screen = io.StringIO()
    progress = LiveProgress(Console(file=screen, force_terminal=True, color_system=None, width=100))
    progress.start()
    try:
        progress.update([busy(gauges, 60), gauges(1, limit_cause="[red]a\x1b[2J")], 2, 6.0)
        progress.update([busy(gauges), gauges(1, limit_cause="[red]a\x1b[2J")], 2, 10.0)
        shown = screen.getvalue()
    finally:
        progress.stop()
    for text in [
        "100 of 400, 98.0% without error",
        "http_status 1, dns_failed 1",
        "10.0/s, running for 10s",
        "fetch 245ms, process 18ms",
        "9, connecting 3, waiting to retry 6",
        "12: success rate 0.99 over 100",
        r"10: [red]a\x1b[2J",
        "4 pages, 2 processes",
        "1m 15s",
    ]:
        assert text in shown
    assert "\x1b[2K" in screen.getvalue()[len(shown) :]  # its lines are erased


def test_each_thing_has_a_line_of_its_own(gauges):
    meter = Meter()
    meter.update([busy(gauges)], 2, 10.0)
    screen = io.StringIO()
    Console(file=screen, force_terminal=True, color_system=None, width=80).print(render(meter))
    assert [line[:17].strip() for line in screen.getvalue().splitlines()] == [
        "done",
        "",
        "failed",
        "speed",
        "average",
        "in flight",
        "limit, shard 0",
        "open breakers",
        "waiting for NLP",
        "time left",
    ]


def test_the_live_display_fits_a_screen_with_many_shards(gauges):
    screen = io.StringIO()
    progress = LiveProgress(Console(file=screen, force_terminal=True, color_system=None, width=80, height=24))
    progress.start()
    progress.update([gauges(shard, known=10) for shard in range(40)], 10, 1.0)
    shown = screen.getvalue()
    progress.stop()
    assert "320 in 32 shards" in shown
    assert shown.count("\n") <= 24
