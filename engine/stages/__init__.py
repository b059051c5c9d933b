"""Discovery, validation and enrichment as stages of one pipeline.

Empty as yet: enrichment alone is what `enrich run` does (:mod:`engine.supervisor`).
"""
