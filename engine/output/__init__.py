"""Rows on disk: each shard's part file, and the merged output that is made from the parts.

Life of a row here: the shard hands its bytes to its :class:`~engine.output.parts.PartWriter`, which appends them with
others as one *block*; the frontier notes the block's commit record and each row's place in it, and from then on the row
is *live* until a newer one of the same URL is. :mod:`.merge` copies live rows, byte for byte, into the files that users
read. After a kill, :mod:`.recover` says which blocks did not survive; :mod:`.verify` checks all promises at rest.

Invariants: a part has one writer; a part is its blocks one after another, each whole (its own frame where compressed),
so a part is valid JSONL in itself after decompression; bytes behind the last commit record mean nothing; a merged file
appears under its name only when it is complete and synced.
"""
