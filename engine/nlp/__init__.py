"""The NLP pool: pages in, rows out, in processes of their own.

Life of a page: a shard sends it to a child (:mod:`.child`, :mod:`.process`, :mod:`.server`, :mod:`.peer`), which
extracts its text (:mod:`.extract`), analyses that (:mod:`.analyse`) and answers with the row's bytes (:mod:`.worker`,
:mod:`.rowmaker`).
A Doc never leaves its process: text in, rows out.

Laws: a page that kills or hangs its process is found by the shard, which knows from STARTED what was worked on; spaCy
is imported here and nowhere else; importing :mod:`.available`, :mod:`.values` or :mod:`.tags` does not load it.
"""
