"""From what the user names to tasks for the shards.

The life of an input: its text becomes a :class:`~.source.Source` (which kind of file, packed how; refused here if it is
missing or of no known kind). A run reads it through :mod:`.streams` (unpacked bytes, then lines) and :mod:`.readers`
(records), and :mod:`.ingest` turns records into batches of entries, each placed in the shard that owns its site.

Invariants:

- Streamed: what is in memory is one chunk, one record and one batch, each bounded, whatever the input's size or shape.
- Repeatable: the same bytes give the same records with the same ordinals, so that reading again after a cursor gives
  exactly the rest. A stream that cannot be read twice is first spooled to a file (:mod:`.spool`).
- Total: a record that makes no sense becomes an entry that ends as an `invalid_url` row; only an input that is unfit as
  a whole (missing, unreadable, binary, without its column, cut short) is an error, which names it and the mend.
"""
