"""The HTTP edge: one request in, one answer or one named failure out.

Life of a request: `Transport.connect` gives an :class:`~engine.transport.base.Exchange`, a connection that is leased
to one request, from the idle pool or newly opened (name, address, TLS; every address passes the guard first).
`Exchange.send` writes the request, reads and decodes the answer, and gives the connection back or closes it.
`Exchange.close` ends it at any other point. Whatever goes wrong on the way is a `TransportError` that carries a
:class:`~engine.model.outcome.FailureKind`; only a cancellation from outside, and a mistake of ours, is anything else.

Invariants: an exchange carries one request at most; a connection is never left open by an error or a cancellation; no
address that the guard refuses is ever connected to; memory is bounded by `max_body_bytes` whatever a server sends.

No policy lives here: delays, limits, retries, redirects and robots.txt are the shard's.
"""
