"""Frozen values that the parts of the engine hand each other.

Life of a URL in these words: a *target* (:mod:`.url`) is read from an input and becomes a *task* (:mod:`.task`) of one
shard; each request for it ends in an *outcome* (:mod:`.outcome`); the last one ends in one *row* (:mod:`.record`).
Processes talk in *messages* (:mod:`.messages`).

Nothing here does I/O, reads a clock or draws a random number.
"""
