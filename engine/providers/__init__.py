"""Asynchronous job APIs: submit, get an id, ask or be called back, collect. A job takes minutes and costs money.

Life of a job: it is planned in the store (:mod:`.store`); its *task* (one POST, of one lead or, where a provider takes
several at once, of many) is put on disk as an intent, then the POST goes out (:mod:`.caller`), then the answer's id is
put on disk; after that it is asked for by the poller, or told by a webhook (:mod:`.webhook`), until it ends. Where it
stands is said by one table, :mod:`engine.policy.job`; who does all this is :class:`.work.Work`. What differs between
providers is a table too: :mod:`.shape` reads any of them, :mod:`.sixtyfour` and :mod:`.rowbatch` are two.

Invariants:

- The intent is committed before the POST is written; the id, and every answer, before any further request begins; a
  webhook's call before it is acknowledged. So a kill costs at most the certainty about the POSTs in flight.
- A task whose submit may have been taken is never submitted again by itself.
- All requests of a process share one rate budget, one adaptive limit and one breaker.
- The API key is in one object (:class:`.caller.Key`); what comes from the provider passes through it before anybody
  sees it.
"""
