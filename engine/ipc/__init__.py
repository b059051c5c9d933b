"""How the processes of a run talk: one frame (:mod:`.frames`, a pure codec) over Unix sockets (:mod:`.channel`).

A frame is a small JSON header, which is parsed, and an opaque body, which is not: pages and rows pass through without
pickling, large ones without a copy on the writing side. And how a child ends with its supervisor (:mod:`.life`).
"""
