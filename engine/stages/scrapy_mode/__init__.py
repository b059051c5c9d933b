"""Stage 3 through Scrapy's own engine (`--no-async-enrichment`): for compatibility, and for comparison.

Scrapy fetches, in one process and by its own scheduler, with our settings where it has the same notion; pages become
rows by the same code as everywhere (:class:`engine.nlp.worker.PageWorker`), in Scrapy's callbacks, as a spider of its
users would. What it has no notion of stays away: shards, the adaptive limit, breakers, a resume. The address guard
holds here too.

Law: every distinct URL of the inputs ends in one row, whichever way Scrapy let go of it.
"""
