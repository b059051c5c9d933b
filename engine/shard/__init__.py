"""The worker process: one uvloop event loop that owns its URLs from the frontier to the committed row.

Life of a URL here. The dispatcher takes a host that is due and grants it one request (:mod:`.grants`); the fetcher
(:mod:`.fetcher`) connects, waits for a slot on the network, writes, reads, and follows redirects, each hop under a
grant of the host it goes to. A page goes to the NLP pool (:mod:`.nlp_client`) and comes back as a finished row;
:mod:`.endings` appends rows to the part file and notes them in the frontier. What failed waits in the
frontier with no slot held, or becomes an error row.

Invariants: one grant is one request, and what was granted is always released; a task handed out ends in exactly one
of put back, retried, or a row; every wait is for time or for a named event, so a run of finite tasks ends.
"""
