"""The pipeline: discovery, validation and enrichment in turn, over one folder of data.

A stage is a run like any other (:mod:`engine.supervisor`), in a folder of its own; `run.stage` in its settings says
what its shards make of a URL. Between two stages stands a list of the URLs that are usable, made from the rows of the
first (:mod:`.handoff`). Where everything lies is said by :mod:`.layout`, the order of things by :mod:`.pipeline`, and
what can be known before anything runs by :mod:`.checks`.

Law: a stage begins when the one before it is complete; the same command again goes on where it stopped.
"""
