"""The frontier: every URL of one shard, where it stands, and which host may be asked next.

Life of a task here: *queued* when ingest inserts it, in flight only in memory once the schedule hands it out, *waiting*
(not before a time, after so many attempts) when it is to be tried again, and at last *done* or *failed*, with the place
of its row in the part file. Everything but "in flight" is on disk (:mod:`.store`, one SQLite file a shard), so memory
grows neither with the list nor with the number of hosts, and a killed shard's successor goes on from what is there.
Which URLs are there, and which a host has, say sorted runs in the same file (:mod:`.index`, :mod:`.runs`).

In memory (:mod:`.schedule`) are at most `run.max_active_hosts` hosts with a few tasks each, in the order of
the time they may next be asked (:mod:`.order`). Other hosts wait on disk in that order.

Invariants: a task is in exactly one state; a host is on disk as fresh, idle, ready or active, and idle only when each
of its tasks is committed as done or failed; a cursor never passes a task that is not in memory, waiting, or committed.
"""
