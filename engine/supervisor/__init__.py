"""The supervisor: the command's own process, which owns the run folder and every other process of the run.

Life of a run: the folder is opened and locked (:mod:`.folder`, :mod:`.manifest`), all that can be checked without a
process is checked (:mod:`.checks`), shards and NLP children are started (:mod:`.processes`), fed (:mod:`.feed`) and
watched (:mod:`.watch`: what is seen goes through the pure :mod:`.reconcile`, whose actions are carried out), and when
every shard has finished, or a person or a fault ends the run, they leave in ordered phases (:mod:`.run`), the parts are
merged (:mod:`.finish`) and the manifest says how it stands.

Invariants: it is never on the data path, and loads neither spaCy nor aiohttp. A shard's successor starts only when the
old process is reaped and its lock is free. Every child reads a pipe whose only write end is here: however this process
ends, they end. Whatever is committed stays committed.
"""
