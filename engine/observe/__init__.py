"""What people see of a run: logs, a display while it is on, a summary at its end.

Life of a number here: a shard reports it with its heartbeat (model.messages.Gauges), the
supervisor hands the gauges of all shards to a display (:mod:`.progress`), which shows what :mod:`.figures` makes of
them; what failed is read back from the failures file at the end and told with its mend (:mod:`.report`).

Invariants: all talk goes to stderr; nothing shown holds a password or a control character, whatever a page or a URL
held (:mod:`.text`); nothing here waits on the terminal or fails a run because nobody listens.
"""
